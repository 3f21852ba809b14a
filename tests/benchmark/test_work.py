"""A trial that is resumed after its run folder was damaged."""

import shutil

import pytest

from popgym.benchmark import work
from popgym.benchmark.store import DONE, FAILED, Trial
from popgym.benchmark.work import work_on
from popgym.runs.folder import RunFolder
from tests.runs.specimens import settings


@pytest.fixture
def trial(tmp_path, monkeypatch):
    """A trial whose training is complete, and whose evaluation is not."""
    chosen = settings(steps=3 * 128, checkpoint_every=1, seed=0)
    trial = Trial(chosen.env, "gru", 0, chosen, tmp_path / "task" / "gru" / "seed0")

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(work, "_evaluate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            work_on(trial)
    return trial


def test_a_damaged_checkpoint_of_a_trial_is_passed_over(trial, monkeypatch):
    monkeypatch.setattr(work, "EPISODES", 2)
    rows = RunFolder.open(trial.path).rows()
    shutil.rmtree(trial.path / "checkpoints" / "iteration-000003" / "learner_group")
    assert work_on(trial)
    assert trial.status() == DONE
    again = RunFolder.open(trial.path).rows()
    assert [{**row, "seconds": 0} for row in again] == [{**row, "seconds": 0} for row in rows]


def test_a_trial_whose_configuration_is_damaged_keeps_its_checkpoints(trial):
    (trial.path / "config.json").write_text("{")
    assert not work_on(trial)
    assert trial.status() == FAILED
    assert "restore it from a copy, such as" in trial.error()
    assert RunFolder(trial.path, trial.settings).latest_checkpoint().iteration == 3
