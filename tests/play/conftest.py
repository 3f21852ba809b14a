import io
import sys

import numpy as np
import pytest

from popgym.envs import RepeatPreviousEasy


@pytest.fixture
def popgym(run_command, monkeypatch):
    """Runs the command in an empty folder with some piped input: status, output, complaints."""

    def _popgym(*argv, typed=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        return run_command(*argv)

    return _popgym


@pytest.fixture
def in_order():
    """RepeatPreviousEasy, and options of a reset that deals 0, 1, 2, 3, 0, 1, … as suits."""
    return RepeatPreviousEasy(), {"hidden": {"deal_order": np.arange(52)}}
