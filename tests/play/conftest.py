import io
import sys

import numpy as np
import pytest

from popgym import cli
from popgym.envs import RepeatPreviousEasy
from tests.complaints import without_compiling


@pytest.fixture
def popgym(tmp_path, monkeypatch, capsys):
    """Runs the command in an empty folder with some piped input: status, output, complaints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def _popgym(*argv, typed=""):
        capsys.readouterr()
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        try:
            status = cli.main([str(word) for word in argv])
        except SystemExit as end:
            status = end.code
        out, err = capsys.readouterr()
        return status, out, without_compiling(err)

    return _popgym


@pytest.fixture
def in_order():
    """RepeatPreviousEasy, and options of a reset that deals 0, 1, 2, 3, 0, 1, … as suits."""
    return RepeatPreviousEasy(), {"hidden": {"deal_order": np.arange(52)}}
