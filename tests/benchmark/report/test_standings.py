import math

import numpy as np
import pytest

from popgym.benchmark.report.grid import grid_of
from popgym.benchmark.report.standings import chance_in_words, standings, verdict
from tests.benchmark.synthetic import results

TASKS = ["RepeatFirstEasy", "RepeatPreviousEasy", "AutoencodeEasy", "Mine-v0"]


def ranked(made):
    return standings(made, grid_of(made))


def test_memories_are_ranked_by_the_interquartile_mean():
    found = ranked(results(TASKS, ["gru", "lru", "fwp"], 3))  # later ones are made worse
    assert [each.memory for each in found] == ["gru", "lru", "fwp"]
    assert found[0].iqm.value > found[1].iqm.value > found[2].iqm.value
    assert found[0].gap.value == pytest.approx(1 - found[0].mean.value, abs=0.05)
    assert all(each.iqm.low <= each.iqm.value <= each.iqm.high for each in found)
    assert (found[0].tasks, found[0].seeds) == (3, (3, 3))
    assert found[1].parameters == 220_000


def test_a_memory_that_lacks_a_task_comes_last():
    made = results(TASKS, ["gru", "lru"], 3)
    lost = (made.trials["memory"] == "gru") & (made.trials["task"] == "AutoencodeEasy")
    made.trials.loc[lost, "status"] = "failed"
    found = ranked(made)
    assert [(each.memory, each.complete, each.tasks) for each in found] == [
        ("lru", True, 3),
        ("gru", False, 2),
    ]


def test_no_memory_leads_if_each_lacks_a_task():
    made = results(TASKS, ["gru", "lru"], 2)
    for memory, task in (("gru", "AutoencodeEasy"), ("lru", "RepeatFirstEasy")):
        lost = (made.trials["memory"] == memory) & (made.trials["task"] == task)
        made.trials.loc[lost, "status"] = "waiting"
    assert verdict(ranked(made)) == "No memory has a score in every task, so none leads over all."


def test_the_leader_is_said_to_win_only_if_it_does_so_by_more_than_chance():
    clear = ranked(results(TASKS, ["gru", "lru", "fwp"], 3))
    assert "each of the others is beaten more often than chance explains" in verdict(clear)
    made = results(TASKS, ["gru", "lru"], 3)
    rng = np.random.default_rng(0)
    made.trials["final_mean"] = rng.normal(0, 0.1, len(made.trials))
    found = ranked(made)
    assert "may be chance" in verdict(found)
    assert chance_in_words(found[1]).endswith("may be chance")


def test_one_seed_is_said_to_leave_the_lead_unknown():
    found = ranked(results(TASKS, ["gru", "lru"], 1))
    assert "with one seed it is unknown" in verdict(found)
    assert chance_in_words(found[1]) == "100 %, one seed: unknown"
    assert math.isnan(found[0].iqm.low)


def test_nothing_is_ranked_without_a_normalised_score():
    found = ranked(results(["Mine-v0"], ["gru"], 2))
    assert found == []
    assert verdict(found).startswith("No memory can be ranked")
