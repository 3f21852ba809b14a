"""A checkpoint is unpickled only if a run of this user saved it, or the user trusts who did."""

import pickle
import shutil

import pytest

import popgym
from popgym.runs.manifest import MANIFEST, seal
from popgym.runs.signature import SIGNATURE
from popgym.runs.trust import UntrustedError
from tests.runs.specimens import SMALL, TOYS

STEPS = SMALL["num_envs"] * SMALL["rollout"]
NAMED = (
    r"checkpoints/iteration-000001 was not saved here by you, or has been changed since.*--trust"
)


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "run"
    return popgym.train(f"{TOYS}:Guess", "gru", steps=STEPS, out=out, progress=False, **SMALL).path


@pytest.fixture
def run(trained, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    return tmp_path / "run"


def poison(run, marker):
    """Puts code into a checkpoint, with a manifest that fits it."""
    checkpoint = run / "checkpoints" / "iteration-000001"
    (checkpoint / "algorithm_state.pkl").write_bytes(pickle.dumps(Touch(marker)))
    (checkpoint / MANIFEST).unlink()
    seal(checkpoint)


def test_ones_own_run_is_resumed_without_a_question(run):
    assert popgym.resume(run, steps=2 * STEPS, progress=False).rows[-1]["steps"] == 2 * STEPS


def test_a_changed_checkpoint_is_not_read(run, tmp_path):
    poison(run, tmp_path / "ran")
    with pytest.raises(UntrustedError, match=NAMED):
        popgym.resume(run, steps=2 * STEPS, progress=False)
    assert not (tmp_path / "ran").exists()


def test_the_code_in_it_would_have_run(run, tmp_path):
    """Otherwise the test above would test nothing."""
    poison(run, tmp_path / "ran")
    with pytest.raises(ValueError, match="cannot be restored"):
        popgym.resume(run, steps=2 * STEPS, progress=False, trust=True)
    assert (tmp_path / "ran").exists()


def test_a_file_that_was_added_counts(run):
    (run / "checkpoints" / "iteration-000001" / "more.pkl").touch()
    with pytest.raises(UntrustedError, match=NAMED):
        popgym.resume(run, steps=2 * STEPS, progress=False)


@pytest.mark.parametrize("whose", ["someone else's", "no one's"])
def test_a_run_of_someone_else_is_resumed_only_with_trust(run, tmp_path, monkeypatch, whose):
    if whose == "no one's":
        (run / "checkpoints" / "iteration-000001" / SIGNATURE).unlink()
    else:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with pytest.raises(UntrustedError, match=NAMED):
        popgym.resume(run, steps=2 * STEPS, progress=False)
    popgym.resume(run, steps=2 * STEPS, progress=False, trust=True)
    assert popgym.resume(run, steps=3 * STEPS, progress=False).rows[-1]["steps"] == 3 * STEPS


def test_on_the_command_line_it_is_one_line(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    from popgym.cli import main

    assert main(["train", "--resume", str(run), "--steps", str(2 * STEPS)]) == 2
    assert "was not saved here by you" in capsys.readouterr().err
    assert main(["train", "--resume", str(run), "--steps", str(2 * STEPS), "--trust"]) == 0
