import threading

import pytest
from ray.tune.schedulers import TrialScheduler

from popgym.benchmark.store import DONE, FAILED, STOPPED
from popgym.benchmark.tuning.asha import FolderASHA
from popgym.benchmark.tuning.best import scored
from popgym.benchmark.tuning.pacing import Paced
from popgym.benchmark.tuning.trainable import NUMBER, SCORE, STEPS, run_trial
from popgym.runs.folder import RunFolder
from tests.benchmark.searches import TINY, asked, begin


def only(path, **given):
    """The single trial of a search with a tiny network."""
    (trial,) = asked(path, settings=TINY, trials=1, **given).trials()
    return trial


def iterations(trial):
    return [row["iteration"] for row in RunFolder.open(trial.path).rows()]


def test_a_trial_is_an_ordinary_run_that_reports_its_score(tmp_path):
    trial, reports = only(tmp_path / "s"), []
    assert run_trial(trial, False, lambda report: reports.append(report) or False)
    assert trial.status() == DONE
    assert iterations(trial) == list(range(1, 16))  # 64 steps each, of 900
    assert RunFolder.open(trial.path).policy().spec.memory == "frameconv"
    assert reports[-1][STEPS] == 960
    (found,) = scored(asked(tmp_path / "s", settings=TINY, trials=1))
    assert reports[-1][SCORE] == pytest.approx(found.score)
    assert found.is_whole


def test_a_trial_ends_early_once_the_folder_says_so(tmp_path):
    trial = only(tmp_path / "s")

    def report(values):
        if values[STEPS] == 320:
            trial.end_early(320, values[SCORE])
        return False

    assert run_trial(trial, False, report)
    assert trial.status() == DONE
    assert iterations(trial) == [1, 2, 3, 4, 5]
    assert RunFolder.open(trial.path).has_checkpoint


def test_an_interrupted_trial_saves_and_goes_on_where_it_was(tmp_path):
    trial = only(tmp_path / "s")
    assert run_trial(trial, False, lambda values: values[STEPS] >= 256)
    assert trial.status() == STOPPED
    begun = iterations(trial)
    reports = []
    assert run_trial(trial, False, lambda values: reports.append(values[STEPS]) or False)
    assert trial.status() == DONE
    assert reports[0] == 64 * (len(begun) + 1)
    assert iterations(trial) == list(range(1, 16))


def test_a_trial_that_was_killed_before_its_decision_was_carried_out_makes_no_more_steps(tmp_path):
    trial = only(tmp_path / "s")
    run_trial(trial, False, lambda values: values[STEPS] >= 256)
    trial.end_early(640, 0.0)
    assert run_trial(trial, False, lambda values: False)
    assert (trial.status(), iterations(trial)[-1]) == (DONE, 10)


def test_a_trial_that_is_done_is_not_repeated(tmp_path):
    trial = only(tmp_path / "s")
    begin(trial, [0.5] * 9, done=True)
    assert run_trial(trial, False, lambda values: pytest.fail("it trains"))
    assert len(iterations(trial)) == 9


def test_a_trial_that_fails_says_why(tmp_path):
    trial = only(tmp_path / "s", env="tests.benchmark.worlds:Breaks")
    assert not run_trial(trial, False, lambda values: False)
    assert trial.status() == FAILED
    assert "the fiftieth step" in trial.error()


# ---- pacing


def test_a_paced_function_runs_from_report_to_report():
    seen = []

    def work(report):
        for i in range(3):
            seen.append(i)
            report(i)

    paced = Paced(work)
    assert seen == []
    assert (paced.next(), seen) == (0, [0])
    assert (paced.next(), seen) == (1, [0, 1])
    assert [paced.next(), paced.next()] == [2, None]
    paced.close()


def test_a_paced_function_that_is_closed_ends_at_its_report_and_is_waited_for():
    ended = threading.Event()

    def work(report):
        while not report(0):
            pass
        assert report(1)  # also later reports say so, and nobody has to read them
        ended.set()

    paced = Paced(work)
    paced.next()
    paced.close()
    assert ended.is_set()


def test_closing_before_the_start_runs_nothing():
    Paced(lambda report: pytest.fail("it runs")).close()


def test_what_a_paced_function_raises_reaches_the_caller():
    def work(report):
        report(0)
        raise OSError("the disk is full")

    paced = Paced(work)
    paced.next()
    with pytest.raises(OSError, match="the disk is full"):
        paced.next()


# ---- the scheduler


class Running:
    """What Tune knows of a trial."""

    def __init__(self, number):
        self.config, self.trial_id = {NUMBER: number}, f"any-{number}"


def told(scheduler, number, steps, score):
    """Let a scheduler see one report of a trial that has just begun."""
    trial = Running(number)
    scheduler.on_trial_add(None, trial)
    return scheduler.on_trial_result(None, trial, {STEPS: steps, SCORE: score})


def test_a_trial_below_the_best_third_ends_early_and_saves_by_itself(tmp_path):
    trials = asked(tmp_path / "s", trials=4).trials()
    scheduler = FolderASHA(trials, 900)
    scores = [0.1, 0.2, 0.3, 0.23]
    (tmp_path / "s" / "trials").mkdir()
    actions = [told(scheduler, n, 100, score) for n, score in enumerate(scores)]
    assert actions == [TrialScheduler.CONTINUE] * 4
    # Each of the first three was the best so far. The upper third of them begins at .1 + .2 · 2/3.
    assert [trial.early() for trial in trials] == [None, None, None, 100]


def test_before_the_first_decision_and_at_the_last_step_nothing_ends_early(tmp_path):
    trials = asked(tmp_path / "s").trials()
    scheduler = FolderASHA(trials, 900)
    told(scheduler, 0, 100, 0.9)
    assert told(scheduler, 1, 99, 0.1) == TrialScheduler.CONTINUE
    assert told(scheduler, 2, 900, 0.1) == TrialScheduler.CONTINUE
    assert [trial.early() for trial in trials] == [None, None, None]


def test_what_trials_did_before_an_interruption_counts(tmp_path):
    trials = asked(tmp_path / "s").trials()
    begin(trials[0], [0.9, 0.9, 0.9, 0.9], done=True)
    begin(trials[1], [0.2, 0.2], checkpoint=2)
    scheduler = FolderASHA(trials, 900)
    assert trials[1].early() is None  # what was decided is not decided again
    told(scheduler, 1, 200, 0.2)
    assert trials[1].early() is None
    told(scheduler, 1, 300, 0.2)  # a third of the steps: the next decision
    assert trials[1].early() == 300
    told(scheduler, 2, 100, 0.5)
    assert trials[2].early() == 100


def test_rows_that_will_be_made_again_do_not_count(tmp_path):
    trials = asked(tmp_path / "s").trials()
    begin(trials[0], [0.9, 0.9])  # no checkpoint: it begins anew
    scheduler = FolderASHA(trials, 900)
    told(scheduler, 1, 100, 0.1)
    assert trials[1].early() is None


def test_a_trial_that_ends_or_never_begins_is_forgotten(tmp_path):
    scheduler = FolderASHA(asked(tmp_path / "s").trials(), 900)
    first, second = Running(0), Running(1)
    for trial in (first, second):
        scheduler.on_trial_add(None, trial)
    scheduler.on_trial_complete(None, first, {STEPS: 900, SCORE: 0.5})
    scheduler.on_trial_remove(None, second)
    told(scheduler, 0, 100, 0.5)  # its process was lost: it is added again
