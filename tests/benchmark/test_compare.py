import math

import numpy as np
import pandas as pd
import pytest

import popgym.envs
from popgym.benchmark.compare import Side, compare, side_of, side_of_table
from popgym.benchmark.store import BenchmarkFolder
from popgym.envs.scores import bounds_of
from popgym.runs.folder import RunFolder
from popgym.runs.settings import Settings


def side(name, budget=100, **scores):
    return Side(
        name,
        {task: np.array(values, float) for task, values in scores.items()},
        {task: {budget} for task in scores},
    )


def test_a_difference_beyond_chance_is_said_task_by_task_and_overall():
    a = side("gru", RepeatPreviousEasy=[0.9, 0.95, 1.0], RepeatFirstEasy=[0.1, 0.5, 0.3])
    b = side("mlp", RepeatPreviousEasy=[-0.5, -0.45, -0.5], RepeatFirstEasy=[0.2, 0.3, 0.5])
    found = compare(a, b)
    first, second = found.tasks
    assert (first.verdict, second.verdict) == ("first better", "may be chance")
    assert first.difference.value == pytest.approx(0.95 + 1.45 / 3)
    # all 9 pairs are won in the first task; in the second 3, with 2 ties
    assert found.overall.value == pytest.approx((1 + (3 + 2 / 2) / 9) / 2)
    assert found.sentence.startswith("gru beats mlp with probability 0.72 [")
    assert "With 3 seeds" in found.sentence


def test_one_seed_gives_no_interval():
    found = compare(side("a", RepeatFirstEasy=[1.0]), side("b", RepeatFirstEasy=[0.0]))
    assert found.tasks[0].verdict == "one seed: unknown"
    assert math.isnan(found.overall.low)
    assert "without an interval" in found.sentence


def test_tasks_without_references_have_no_overall_result():
    found = compare(side("a", Mine=[1.0, 1.1]), side("b", Mine=[0.0, 0.1]))
    assert found.overall is None
    assert found.tasks[0].verdict == "first better"


@pytest.mark.parametrize(
    ("b", "message"),
    [
        (side("b", Other=[1.0]), "a and b have no task in common: Mine and Other"),
        (side("b", 200, Mine=[1.0]), r"different numbers of steps: \[100\] and \[200\]"),
    ],
)
def test_what_cannot_be_compared_is_refused(b, message):
    with pytest.raises(ValueError, match=message):
        compare(side("a", Mine=[1.0]), b)


def test_the_bounds_of_a_task_are_play_without_memory_and_the_best_that_is_known():
    scores = popgym.envs.reference_scores("RepeatPreviousEasy")
    assert bounds_of("RepeatPreviousEasy") == (scores["memoryless"].mean, 1.0)
    assert bounds_of("CartPole-v1") is None
    assert bounds_of("HigherLowerEasy") is None  # counting cards earns only .03 more


def run_folder(path, mean, steps=100):
    run = RunFolder.create(Settings("RepeatFirstEasy", "gru", steps=steps).resolved(), path)
    for iteration in range(1, 11):
        run.append(
            {"iteration": iteration, "steps": 10 * iteration, "seconds": 1.0, "episodes": 1,
             "return_mean": mean + iteration / 1000}
        )  # fmt: skip
    return run


def test_run_folders_are_compared_by_the_end_of_their_training(tmp_path):
    for name, mean in (("a", 0.5), ("b", 0.2)):
        run_folder(tmp_path / name, mean)
    found = compare(*(side_of(str(tmp_path / name), "final_mean") for name in "ab"))
    assert (found.tasks[0].a, found.tasks[0].b) == pytest.approx((0.51, 0.21))


def test_a_memory_of_a_benchmark_is_named_after_the_folder(tmp_path):
    folder = BenchmarkFolder.open_or_create(tmp_path / "b")
    data = {"tasks": ["RepeatFirstEasy"], "memories": ["gru", "lru"], "seeds": 1, "steps": 100}
    folder.request(data, "")
    with pytest.raises(ValueError, match=r"has several memories: name one, such as .*b:gru"):
        side_of(str(folder.path), "final_mean")
    with pytest.raises(ValueError, match=r"unknown memory of .* 'gur'; did you mean 'gru'"):
        side_of(f"{folder.path}:gur", "final_mean")
    with pytest.raises(ValueError, match=r"b:gru has no finished trial with a final_mean"):
        side_of(f"{folder.path}:gru", "final_mean")
    with pytest.raises(ValueError, match="there is no run folder"):
        side_of(str(tmp_path / "nothing"), "final_mean")


def test_only_finished_trials_count():
    table = pd.DataFrame(
        {
            "task": ["T", "T", "T"], "status": ["done", "failed", "done"],
            "final_mean": [0.5, 0.1, np.nan], "budget": [10, 10, 10],
        }
    )  # fmt: skip
    assert side_of_table("a", table, "final_mean").scores["T"].tolist() == [0.5]
