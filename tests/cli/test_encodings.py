"""Terminals whose encoding lacks signs: each command prints to its end."""

import io
import sys

import pytest

from popgym import cli
from popgym.runs.folder import RunFolder
from tests.runs.specimens import policy, settings

COMMANDS = [
    ["envs"],
    ["envs", "RepeatPreviousEasy"],
    ["scores", "RepeatPreviousEasy"],
    ["memories"],
    ["memories", "gru"],
    ["memories", "lru"],
    ["train", "--list-settings"],
    ["train", "RepeatPreviousEasy", "--set", "num_envs=4", "--set", "rollout=4", "--steps", "16"],
    ["evaluate", "run", "--episodes", "2"],
    ["play", "RepeatPreviousEasy"],
    ["gif", "RepeatPreviousEasy", "--steps", "1"],
]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a command in a folder with a run; its status and output in an encoding."""
    monkeypatch.chdir(tmp_path)
    folder = RunFolder.create(settings(), tmp_path / "run")
    folder.save_policy(policy(action_space=policy().observation_space))

    def call(argv, encoding):
        streams = {}
        with monkeypatch.context() as patch:
            for name in ("stdout", "stderr"):
                streams[name] = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
                patch.setattr(sys, name, streams[name])
            patch.setattr(sys, "stdin", io.StringIO(""))
            status = cli.main(argv)
        for stream in streams.values():
            stream.flush()
        return status, streams["stdout"].buffer.getvalue().decode(encoding).splitlines()

    return call


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_a_command_prints_as_many_lines_as_in_unicode(run, argv, encoding):
    expected = run(argv, "utf-8")
    status, lines = run(
        [*argv, "--out", "again"] if argv[0] == "train" and "--steps" in argv else argv, encoding
    )
    assert status == expected[0] == 0
    assert len(lines) == len(expected[1])
