import numpy as np
import pandas as pd
import pytest

from popgym.benchmark.report.curves import FEWEST_POINTS, MOST_POINTS, NUMBERS, curves_of
from popgym.benchmark.statistics import mean
from tests.benchmark.synthetic import results


def with_curves(*values, steps=None):
    """Results of one memory whose seeds have the returns given at steps 1, 2, ..."""
    made = results(["Mine-v0"], ["gru"], len(values))
    rows = [
        (f"Mine-v0/gru/seed{seed}", i + 1, 10.0 * (i + 1) * (seed + 1), value)
        for seed, curve in enumerate(values)
        for i, value in enumerate(curve)
    ]
    made.curves = pd.DataFrame(rows, columns=["trial", "steps", "seconds", "mean_return"])
    return made


def test_a_curve_is_the_mean_over_seeds_with_students_interval():
    seeds = [[0.0, 1.0, 2.0], [1.0, 3.0, 5.0], [2.0, 2.0, 5.0]]
    (curve,) = curves_of(with_curves(*seeds))
    np.testing.assert_allclose(curve.steps, [1, 2, 3])
    np.testing.assert_allclose(curve.value, [1, 2, 4])
    np.testing.assert_allclose(curve.seconds, [20, 40, 60])  # 10, 20, 30 s for a step
    expected = [mean(np.array(column)) for column in zip(*seeds, strict=True)]
    np.testing.assert_allclose(curve.value - curve.reach, [each.low for each in expected])
    assert curve.seeds == 3


def test_one_seed_has_no_interval():
    (curve,) = curves_of(with_curves([0.0, 1.0]))
    assert curve.reach is None


def test_a_curve_covers_what_all_seeds_have_made():
    (curve,) = curves_of(with_curves([0.0, 1.0, 2.0, 3.0], [2.0, 3.0]))
    assert (curve.steps[0], curve.steps[-1]) == (1, 2)
    np.testing.assert_allclose(curve.value[[0, -1]], [1, 2])


def test_a_long_curve_has_fewer_points_which_are_means_of_what_is_near():
    noisy = np.tile([-1.0, 1.0], 1000)
    (curve,) = curves_of(with_curves(noisy))
    assert len(curve.steps) == MOST_POINTS
    assert np.abs(curve.value).max() < 0.2  # a single point would be 1 or -1


def test_many_curves_have_fewer_points_each():
    made = results(["A-v0"], [f"m{i}" for i in range(1000)], 1, points=210)
    assert {len(curve.steps) for curve in curves_of(made)} == {NUMBERS // 3000}
    assert NUMBERS // 3000 > FEWEST_POINTS


def test_failed_trials_are_left_out_and_running_ones_count_if_none_is_finished():
    made = results(["A-v0"], ["gru"], 3, failed=1)
    (curve,) = curves_of(made)
    assert curve.seeds == 2
    made.trials.loc[made.trials["status"] == "done", "status"] = "running"
    (curve,) = curves_of(made)
    assert curve.seeds == 2


def test_missing_returns_and_empty_tables_make_no_curve():
    made = with_curves([np.nan, np.nan, 1.0])
    assert curves_of(made) == []
    made.curves = made.curves.iloc[:0]
    assert curves_of(made) == []


@pytest.mark.parametrize("seeds", [2, 3])
def test_seeds_may_have_logged_at_different_steps(seeds):
    made = with_curves(*([float(x) for x in range(30 - seed)] for seed in range(seeds)))
    made.curves["steps"] += [int(name[-1]) for name in made.curves["trial"]]
    (curve,) = curves_of(made)
    assert np.isfinite(curve.value).all() and np.isfinite(curve.reach).all()
    assert (np.diff(curve.value) >= -1e-9).all()
