import importlib.util
import signal
import sys
from pathlib import Path

import pytest
import torch

from popgym import cli
from tests.complaints import without_compiling

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def load_script():
    """Makes a module of a Python file outside the package, given its path in the project."""

    def load(path):
        spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard():
    """A shell's job in the background ignores it, and so would the programs that tests start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def _no_windows_on_the_screen():
    """Windows that tests open are SDL's, which draws them nowhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SDL_VIDEODRIVER", "dummy")
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Small tensors gain nothing from threads, which wait for each other on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def run_command(tmp_path, monkeypatch, capsys):
    """Runs the command in an empty folder: exit status, output, complaints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(*argv):
        capsys.readouterr()
        try:
            status = cli.main([str(word) for word in argv])
        except SystemExit as end:
            status = end.code
        out, err = capsys.readouterr()
        return status, out, without_compiling(err)

    return run


@pytest.fixture
def popgym(run_command):
    """Runs the command in an empty folder: exit status, lines of output, lines of complaint."""

    def _popgym(*argv):
        status, out, err = run_command(*argv)
        return status, out.splitlines(), err.splitlines()

    return _popgym
