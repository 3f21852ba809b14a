import os
import signal
import subprocess
import sys

import pytest

from popgym.benchmark import tune
from popgym.benchmark.store import DONE, FAILED, RUNNING
from popgym.benchmark.tuning.store import TuneFolder
from popgym.runs.folder import RunFolder
from popgym.runs.lock import locked
from tests.benchmark.searches import TINY, asked, begin
from tests.benchmark.test_runner import wait_for


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--memory", "gruu"], "no memory is called 'gruu'; did you mean 'gru'?"),
        (["--trials", "0"], "trials must be a whole number at least 1, got 0"),
        (["--trials", "two"], "'two' is not a whole number of at least 0"),
        (["--steps", "0"], "steps must be at least 1, got 0"),
        (["--search", "lrr=1..2"], "unknown setting 'lrr'; did you mean 'lr'"),
        (["--search", "learning_rate=1..2"], "it is called 'lr' here"),
        (["--search", "stack_size=2..8"], "did you mean 'memory.stack_size'?"),
        (["--search", "lr=3e-3..1e-4"], "its low end must be below its high end"),
        (["--search", "lr=1..20"], "lr must be at least 0 and at most 10, got 20"),
        (["--search", "lr"], "--search takes KEY=WHAT"),
        (["--search", "lr=1..2", "--set", "lr=1"], "lr is given twice, to be searched and with"),
        (["--set", "lr=1", "--set", "lr=2"], "lr is given twice, as 1 and as 2"),
        (["--set", "epocs=1"], "unknown setting 'epocs'; did you mean 'epochs'"),
        (["--jobs", "-1"], "'-1' is not a whole number of at least 0"),
    ],
)
def test_a_mistake_is_one_line_and_makes_no_folder(popgym, tmp_path, argv, message):
    status, out, err = popgym("tune", "RepeatPreviousEasy", "--out", "s", *argv)
    assert (status, out, len(err)) == (2, [], 1)
    assert message in err[0]
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_environment_is_named_with_the_nearest(popgym):
    status, _, err = popgym("tune", "RepeatPreviosEasy")
    assert status == 2 and "did you mean RepeatPreviousEasy" in err[0]


def test_a_dry_run_lists_what_is_searched_and_makes_no_folder(popgym, tmp_path):
    status, out, err = popgym(
        "tune", "RepeatPreviousEasy", "--memory", "lru", "--dry-run", "--steps", "2e5",
        "--search", "gae_lambda=0.8,0.9", "--set", "num_envs=16",
    )  # fmt: skip
    assert (status, err) == (0, [])
    table = {line.split()[0]: line.split(maxsplit=1)[1] for line in out[:-1]}
    assert table["gae_lambda"] == "0.8, 0.9" and table["lr"] == "0.0001..0.005"
    assert "memory.r_min" in table and "rollout:num_envs" not in table
    assert out[-1] == "20 trials of at most 200,000 steps"
    assert list(tmp_path.iterdir()) == []


def ended(path):
    """A search of which all trials have ended."""
    folder = asked(path)
    first, second, third = folder.trials()
    begin(first, [0.5] * 9, done=True)
    begin(second, [0.75] * 9, done=True)
    begin(third, [0.125], done=True, early=True)
    return folder


TUNE = ("tune", "RepeatPreviousEasy", "--memory", "frameconv", "--trials", "3", "--steps", "900")


def test_a_search_that_has_ended_only_tells_its_result(popgym, tmp_path):
    ended(tmp_path / "s")
    status, out, err = popgym(*TUNE, "--out", "s")
    assert (status, err) == (0, [])  # Ray is not even started
    assert out[0] == "3 of 3 trials done in s, 1 of them ended early"
    assert out[1].split() == ["trial", "score", "steps", "settings"]
    assert [line.split()[0] for line in out[2:5]] == ["001", "000", "002"]
    assert out[2].split()[1:3] == ["0.750", "900"] and "memory.stack_size=" in out[2]
    assert "100 (early)" in out[4]
    assert "best settings: s/best.yaml" in out
    assert "is the highest of several noisy ones, so it is too high" in " ".join(out)
    assert out[-1] == "train with them: popgym train --config s/best.yaml --seed 1"


def test_a_trial_that_failed_is_told_of_and_does_not_hide_the_others(popgym, tmp_path, monkeypatch):
    folder = ended(tmp_path / "s")
    trial = folder.trials()[0]
    (trial.path / "ended.json").unlink()
    trial.error_file.write_text('{"error": "ValueError: no"}')
    monkeypatch.setattr("popgym.cli.tuning._search", lambda *_: True)  # it fails again
    status, out, _ = popgym(*TUNE, "--out", "s")
    assert status == 1
    assert out[:2] == ["2 of 3 trials done in s, 1 of them ended early", "failed: trial 000: "
                       "ValueError: no"]  # fmt: skip
    assert out[3].split()[0] == "001" and "best settings: s/best.yaml" in out


def test_a_folder_in_use_is_refused(popgym, tmp_path):
    ended(tmp_path / "s")
    with locked(tmp_path / "s", "the search"):
        status, out, err = popgym(*TUNE, "--out", "s")
    assert (status, out) == (2, [])
    assert err == ["popgym: the search s is in use by another process: wait until it ends, or "
                   "stop it"]  # fmt: skip


@pytest.mark.slow
def test_a_search_in_python_ends_with_its_best_settings_and_says_what_failed(tmp_path):
    # Trial 0 has no heads of its own choice; 3 heads do not divide 8 features, and fail.
    settings = {**TINY, "network.hidden_size": 8}
    found = tune(
        "RepeatPreviousEasy", "slstm", steps=900, trials=4, jobs=2, out=tmp_path / "s",
        search={"memory.num_heads": [3, 2]}, progress=False, **settings,
    )  # fmt: skip
    assert found.complete
    heads = {one.trial.number: one.values["memory.num_heads"] for one in found.trials}
    assert set(heads.values()) == {2, 3}  # the seed draws both
    for one in found.trials:
        assert one.status == (FAILED if heads[one.trial.number] == 3 else DONE)
    failed = next(one for one in found.trials if one.status == FAILED)
    assert "num_heads must divide hidden_size 8, got 3" in failed.trial.error()
    assert found.best.is_whole and found.best.steps >= 900
    assert found.settings["memory.num_heads"] == 2
    assert (tmp_path / "s" / "best.yaml").exists()
    assert not (tmp_path / "s" / ".tune").exists()


@pytest.mark.slow
def test_killed_and_started_again_a_search_loses_and_doubles_nothing(tmp_path):
    out = tmp_path / "s"
    command = [
        sys.executable, "-m", "popgym", "tune", "RepeatPreviousEasy", "--memory", "frameconv",
        "--trials", "3", "--steps", "3e4", "--jobs", "2", "--out", str(out), "--search",
        "lr=1e-4..1e-3", "--set", "checkpoint_every=2", "--set", "num_envs=32", "--set",
        "network.hidden_size=32", "--set", "minibatch_size=256",
    ]  # fmt: skip
    first = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    path = out / "trials" / "000"
    wait_for(lambda: any(path.glob("checkpoints/iteration-*")))
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode == 2 and "in use by another process" in refused.stderr
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    wait_for(lambda: not any(each.status() == RUNNING for each in trials(out)))
    before = path.stat().st_ino
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert "3 of 3 trials done" in again.stdout
    assert path.stat().st_ino == before  # resumed, not begun anew
    for trial in trials(out):
        rows = RunFolder.open(trial.path).rows()
        assert [row["iteration"] for row in rows] == list(range(1, len(rows) + 1))
        assert rows[-1]["steps"] >= (trial.early() or 30_000)


def trials(out):
    return TuneFolder.open(out).trials()


@pytest.mark.slow
def test_ctrl_c_saves_what_the_trials_have_learned(tmp_path):
    out = tmp_path / "s"
    command = [
        sys.executable, "-m", "popgym", "tune", "RepeatPreviousEasy", "--trials", "2", "--steps",
        "1e7", "--jobs", "2", "--out", str(out), "--set", "network.hidden_size=32", "--set",
        "checkpoint_every=100000",
    ]  # fmt: skip
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    wait_for(lambda: all((trial.path / "progress.csv").exists() for trial in trials_of(out)))
    first.send_signal(signal.SIGINT)
    said, _ = first.communicate(timeout=240)
    assert first.returncode == 130
    assert said.splitlines()[-1] == "interrupted; the same command again goes on"
    assert all(RunFolder.open(trial.path).has_checkpoint for trial in trials(out))


def trials_of(out):
    """The trials; before the search is there, one that is not."""
    return trials(out) if (out / "tune.json").exists() else [_Absent(out)]


class _Absent:
    def __init__(self, path):
        self.path = path
