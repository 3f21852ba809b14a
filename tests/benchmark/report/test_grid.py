import numpy as np
import pandas as pd
import pytest

import popgym.envs
from popgym.benchmark.report.grid import grid_of
from popgym.envs.scores import LEAST_RANGE, bounds_of
from tests.benchmark.synthetic import results

TASKS = ["RepeatFirstEasy", "Mine-v0"]


def with_scores(scores, task="RepeatFirstEasy", column="final_mean"):
    """Results of one task in which each memory has the scores given."""
    made = results([task], list(scores), max(map(len, scores.values())))
    for memory, values in scores.items():
        for seed, value in enumerate(values):
            mine = (made.trials["memory"] == memory) & (made.trials["seed"] == seed)
            made.trials.loc[mine, column] = value
    return made


def test_scores_are_normalised_between_the_reference_players():
    floor, ceiling = bounds_of("RepeatFirstEasy")
    grid = grid_of(with_scores({"gru": [floor, ceiling, (floor + ceiling) / 2]}))
    np.testing.assert_allclose(grid.normalised("gru")["RepeatFirstEasy"], [0, 1, 0.5])


def test_a_task_without_references_has_raw_scores_only():
    grid = grid_of(results(TASKS, ["gru"], 2))
    assert (grid.normalisable, grid.raw_only) == (["RepeatFirstEasy"], ["Mine-v0"])
    assert set(grid.normalised("gru")) == {"RepeatFirstEasy"}
    assert len(grid.scores["gru", "Mine-v0"]) == 2


def test_a_task_whose_bounds_are_closer_than_noise_is_not_normalised():
    scores = popgym.envs.reference_scores("HigherLowerEasy")
    assert 0 < scores["perfect"].mean - scores["memoryless"].mean < LEAST_RANGE
    assert grid_of(results(["HigherLowerEasy"], ["gru"], 2)).raw_only == ["HigherLowerEasy"]


def test_only_finished_trials_with_a_score_count():
    made = results(TASKS, ["gru", "lru"], 3, failed=1)
    made.trials.loc[made.trials["trial"] == "RepeatFirstEasy/lru/seed2", "final_mean"] = np.nan
    grid = grid_of(made)
    assert len(grid.scores["gru", "RepeatFirstEasy"]) == 2
    assert len(grid.scores["lru", "RepeatFirstEasy"]) == 2
    assert grid.fewest_seeds == 2
    assert sorted(grid.seeds("gru")) == [2, 3]


def test_another_score_can_be_compared():
    made = with_scores({"gru": [0.1, 0.2]}, column="last_tenth")
    assert grid_of(made, "last_tenth").scores["gru", "RepeatFirstEasy"].tolist() == [0.1, 0.2]
    with pytest.raises(ValueError, match="last_tent"):
        grid_of(made, "last_tent")


def test_the_best_is_named_only_if_its_lead_is_more_than_chance():
    clear = {"gru": [0.90, 0.91, 0.92], "lru": [0.1, 0.11, 0.12], "fwp": [0.0, 0.01, 0.02]}
    assert grid_of(with_scores(clear)).best("RepeatFirstEasy") == "gru"
    near = {**clear, "lru": [0.7, 0.95, 0.8]}
    assert grid_of(with_scores(near)).best("RepeatFirstEasy") is None
    assert grid_of(with_scores({"gru": [0.9], "lru": [0.1]})).best("RepeatFirstEasy") is None
    assert grid_of(with_scores({"gru": [0.9, 0.91]})).best("RepeatFirstEasy") is None


def test_intervals_of_differences_are_wider_with_more_memories():
    # Welch's interval of the difference of 0.05 excludes zero at 95 % but not at 99.4 %.
    pair = {"gru": [0.50, 0.52, 0.54], "lru": [0.45, 0.47, 0.49]}
    assert grid_of(with_scores(pair)).best("RepeatFirstEasy") == "gru"
    many = {**pair, **{f"m{i}": [0.0, 0.01, 0.02] for i in range(7)}}
    assert grid_of(with_scores(many)).best("RepeatFirstEasy") is None


def test_a_trial_that_is_there_twice_is_refused():
    made = results(TASKS, ["gru"], 1)
    made.trials = pd.concat([made.trials, made.trials], ignore_index=True)
    with pytest.raises(ValueError, match="RepeatFirstEasy/gru/seed0 is there twice"):
        grid_of(made)


def test_a_table_without_a_column_is_refused():
    made = results(TASKS, ["gru"], 1)
    made.trials = made.trials.drop(columns=["mmer", "path"])
    with pytest.raises(ValueError, match="lacks the columns mmer, path"):
        grid_of(made)
