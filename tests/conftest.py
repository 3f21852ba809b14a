import importlib.util
import inspect
import signal
import sys
from pathlib import Path

import pytest
import torch

from popgym import cli, importing
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
def _a_key_of_their_own(tmp_path_factory):
    """Runs that tests train are signed with a key that is not the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Small tensors gain nothing from threads, which wait for each other on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session", autouse=True)
def _rllib_finds_its_caller_quickly():
    """Each connector of RLlib asks for its caller, but ``inspect.stack`` reads the source of all.

    Below pytest this is most of the time that it takes to build an algorithm.
    """

    def stack(context=1):
        frame = sys._getframe(1)
        if not frame.f_globals.get("__name__", "").startswith("ray.rllib."):
            return inspect.getouterframes(frame, context)
        frames = []
        while frame is not None:
            code = frame.f_code
            row = (frame, code.co_filename, frame.f_lineno, code.co_name, None, None)
            frames.append(inspect.FrameInfo(*row))
            frame = frame.f_back
        return frames

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inspect, "stack", stack)
        yield


@pytest.fixture
def uncompiled(monkeypatch):
    """Rules run as they stand: to compile them takes seconds, for each new size again."""
    import numba

    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)


@pytest.fixture
def run_command(tmp_path, monkeypatch, capsys):
    """Runs the command in an empty folder: exit status, output, complaints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(importing, "_folders", [])

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
