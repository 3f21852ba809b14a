import json
import os
import signal
import subprocess
import sys
import time

import pytest

from popgym.benchmark import read, work
from popgym.benchmark.choice import choosing_trials, chosen_rate, fitted
from popgym.benchmark.store import (
    DONE,
    FAILED,
    FAIR,
    RUNNING,
    STOPPED,
    TRIALS,
    BenchmarkFolder,
    trials_of,
)
from popgym.benchmark.suite import suite_of
from popgym.benchmark.work import EPISODES, work_on
from popgym.runs.folder import RunFolder
from popgym.runs.lock import locked

SMALL = {
    "tasks": ["RepeatPreviousEasy"],
    "memories": ["gru"],
    "seeds": 1,
    "steps": 600,
    "settings": {"num_envs": 4, "rollout": 16, "minibatch_size": 64, "network.hidden_size": 8},
}


def requested(path, data):
    folder = BenchmarkFolder.open_or_create(path)
    folder.request(data, "popgym benchmark …")
    return folder


def test_a_trial_is_an_ordinary_run_that_ends_with_its_evaluation(tmp_path):
    folder = requested(tmp_path / "b", SMALL)
    (trial,) = folder.trials()
    assert work_on(trial)
    assert trial.status() == DONE
    data = trial.evaluation()
    assert [len(data[name]["returns"]) for name in ("greedy", "sampled")] == [EPISODES, EPISODES]
    table = read(folder.path)
    row = table.iloc[0]
    assert (row.task, row.memory, row.seed, row.status) == ("RepeatPreviousEasy", "gru", 0, "done")
    assert row.steps == 640 and row.budget == 600
    assert row.mmer >= row.last_tenth
    assert row.final_mean == pytest.approx(sum(data["greedy"]["returns"]) / EPISODES)
    assert row.parameters > 1000 and row.state_size == 9  # 8 of the memory, and the time
    assert json.loads(row.settings)["network"]["hidden_size"] == 8
    assert table.attrs["schema"] == 1


def test_a_policy_that_a_crash_left_out_is_saved_before_it_is_evaluated(tmp_path, monkeypatch):
    (trial,) = requested(tmp_path / "b", SMALL).trials()

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(RunFolder, "save_policy", crash)  # after the checkpoint of all steps
        with pytest.raises(KeyboardInterrupt):
            work_on(trial)
    assert not (trial.path / "policy").exists()
    assert trial.status() == STOPPED
    assert work_on(trial)
    assert trial.status() == DONE


def test_two_processes_do_not_work_on_one_trial(tmp_path, monkeypatch):
    (trial,) = requested(tmp_path / "b", SMALL).trials()
    trial.lock_folder.mkdir(parents=True)
    monkeypatch.setattr(work, "_PATIENCE", 0.1)
    with (
        locked(trial.lock_folder, "the trial"),
        pytest.raises(ValueError, match=r"the trial .* is in use by another process"),
    ):
        assert trial.status() == RUNNING
        work_on(trial)


def test_a_trial_that_fails_says_why_and_is_tried_again(tmp_path):
    data = {**SMALL, "tasks": ["tests.benchmark.worlds:Breaks"]}
    (trial,) = requested(tmp_path / "b", data).trials()
    assert not work_on(trial)
    assert trial.status() == FAILED
    assert "the fiftieth step" in trial.error()
    assert read(tmp_path / "b").iloc[0].error == trial.error()
    assert not work_on(trial)  # starts, and fails again


def test_fair_suites_choose_a_learning_rate_and_a_width(tmp_path):
    fair = {"lr": [1e-3, 0.0], "seeds": [9], "parameters": 40_000}
    suite = suite_of({**SMALL, "fair": fair, "settings": {"num_envs": 4, "rollout": 16}})
    choosing = list(choosing_trials(suite, tmp_path / FAIR))
    assert [trial.settings.lr for trial in choosing] == [1e-3, 0.0]
    assert {trial.seed for trial in choosing} == {9}
    (contestant,) = suite.contestants
    assert chosen_rate(suite, "RepeatPreviousEasy", contestant, tmp_path / FAIR) is None
    for trial in choosing:
        assert work_on(trial)
    ends = [read_end(trial) for trial in choosing]
    rate = chosen_rate(suite, "RepeatPreviousEasy", contestant, tmp_path / FAIR)
    assert rate == choosing[ends.index(max(ends))].settings.lr
    (trial,) = trials_of(suite, tmp_path / TRIALS)
    chosen = fitted(suite, trial, tmp_path / FAIR)
    assert chosen.settings.lr == rate
    sizes = [trial.evaluation()["parameters"] for trial in choosing]
    assert all(abs(size - 40_000) < 4_000 for size in sizes)


def read_end(trial):
    rows = RunFolder.open(trial.path).rows()
    last = [r["return_mean"] for r in rows if r["steps"] > 540 and r["return_mean"] is not None]
    return sum(last) / len(last)


@pytest.mark.slow
def test_killed_and_started_again_it_loses_and_doubles_nothing(tmp_path):
    out = tmp_path / "b"
    command = [
        sys.executable, "-m", "popgym", "benchmark", "--memories", "gru,lru", "--tasks",
        "RepeatPreviousEasy", "--seeds", "1", "--steps", "3e4", "--jobs", "2", "--out", str(out),
        "--set", "checkpoint_every=4",
    ]  # fmt: skip
    first = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    path = out / "trials" / "RepeatPreviousEasy" / "gru" / "seed0"
    wait_for(lambda: any(path.glob("checkpoints/iteration-*")))
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode == 2 and "in use by another process" in refused.stderr
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    wait_for(lambda: not any(each.status() == "running" for each in trials(out)))
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert "2 of 2 trials done" in again.stdout
    for trial in trials(out):
        iterations = [row["iteration"] for row in rows_of(trial)]
        assert iterations == list(range(1, 31))


def trials(out):
    return BenchmarkFolder.open(out).trials()


def rows_of(trial):
    return RunFolder.open(trial.path).rows()


def wait_for(condition, seconds=240):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)
