import json
from dataclasses import replace

import pytest

from popgym.benchmark.store import (
    DONE,
    EVALUATION,
    FAILED,
    INDEX,
    RUNNING,
    STOPPED,
    WAITING,
    BenchmarkFolder,
)
from popgym.runs.folder import RunFolder
from popgym.runs.lock import locked

SMALL = {"tasks": ["RepeatPreviousEasy"], "memories": ["gru", "lru"], "seeds": 1, "steps": 100}


def test_the_same_command_adds_nothing_and_more_seeds_add_trials(tmp_path):
    folder = BenchmarkFolder.open_or_create(tmp_path / "b")
    folder.request(SMALL, "popgym benchmark …")
    folder.request(SMALL, "popgym benchmark …")
    assert len(folder.trials()) == 2
    folder.request({**SMALL, "seeds": 3}, "popgym benchmark … --seeds 3")
    folder.request({**SMALL, "memories": ["mlp"]}, "popgym benchmark … --memories mlp")
    again = BenchmarkFolder.open(tmp_path / "b")
    names = [trial.name for trial in again.trials()]
    assert len(names) == len(set(names)) == 7
    assert names[:2] == ["RepeatPreviousEasy/gru/seed0", "RepeatPreviousEasy/lru/seed0"]
    assert len(again.commands) == 3


def test_a_trial_with_other_settings_is_refused_and_nothing_is_written(tmp_path):
    folder = BenchmarkFolder.open_or_create(tmp_path / "b")
    folder.request(SMALL, "")
    before = (tmp_path / "b" / INDEX).read_text()
    message = "RepeatPreviousEasy/gru is in this benchmark with steps = 100, not 200: name another"
    for seeds in (1, [7]):  # also for other seeds, which would be averaged with the first ones
        with pytest.raises(ValueError, match=message):
            folder.request({**SMALL, "steps": 200, "seeds": seeds}, "")
    with pytest.raises(ValueError, match="gru is in this benchmark with fair = None, not Fair"):
        folder.request({**SMALL, "fair": {"lr": [1e-3]}}, "")
    assert (tmp_path / "b" / INDEX).read_text() == before


def test_folders_that_are_no_benchmark_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not empty and no benchmark"):
        BenchmarkFolder.open_or_create(tmp_path)
    with pytest.raises(ValueError, match="is no benchmark folder"):
        BenchmarkFolder.open(tmp_path)
    (tmp_path / INDEX).write_text('{"schema": 99, "requests": []}')
    with pytest.raises(ValueError, match="has version 99 of the layout"):
        BenchmarkFolder.open(tmp_path)
    (tmp_path / INDEX).write_text('{"schema"')
    with pytest.raises(ValueError, match="is damaged"):
        BenchmarkFolder.open(tmp_path)


@pytest.mark.parametrize("kept", ["trials", "fair"])
def test_a_benchmark_without_its_index_is_taken_up_again_as_its_message_says(tmp_path, kept):
    (tmp_path / kept).mkdir()
    (tmp_path / "report.html").write_text("a page")
    (tmp_path / INDEX).write_text('{"schema"')
    with pytest.raises(ValueError, match="delete it and give the same command again"):
        BenchmarkFolder.open_or_create(tmp_path)
    (tmp_path / INDEX).unlink()
    folder = BenchmarkFolder.open_or_create(tmp_path)
    folder.request(SMALL, "")
    assert len(BenchmarkFolder.open(tmp_path).trials()) == 2


def test_a_second_process_is_refused(tmp_path):
    folder = BenchmarkFolder.open_or_create(tmp_path / "b")
    with (
        folder.locked(),
        pytest.raises(ValueError, match="in use by another process"),
        BenchmarkFolder.open_or_create(tmp_path / "b").locked(),
    ):
        pass
    with folder.locked():  # free again
        pass


def test_the_status_follows_from_the_run_folder(tmp_path):
    folder = BenchmarkFolder.open_or_create(tmp_path / "b")
    folder.request(SMALL, "")
    trial = folder.trials()[0]
    assert trial.status() == WAITING
    trial.path.parent.mkdir(parents=True)
    trial.error_file.write_text(json.dumps({"error": "ValueError: broken"}))
    assert (trial.status(), trial.error()) == (FAILED, "ValueError: broken")
    RunFolder.create(replace(trial.settings).resolved(), trial.path)
    trial.error_file.unlink()
    assert trial.status() == STOPPED
    with locked(trial.path, "the run"):
        assert trial.status() == RUNNING
    (trial.path / EVALUATION).write_text('{"greedy": {}, "samp')  # cut short
    assert trial.status() == STOPPED
    (trial.path / EVALUATION).write_text('{"greedy": {}, "sampled": {}, "steps": 100}')
    assert trial.status() == STOPPED
    scores = {"returns": [0.5], "lengths": [3]}
    whole = {"greedy": scores, "sampled": scores, "steps": 100, "parameters": 1, "state_size": 1}
    (trial.path / EVALUATION).write_text(json.dumps(whole))
    assert trial.status() == DONE
    (trial.path / EVALUATION).write_text(json.dumps({**whole, "steps": 50}))  # of an earlier policy
    assert trial.status() == STOPPED
