import math

import numpy as np
import pytest
from scipy import stats

from popgym.benchmark.statistics import (
    aggregate,
    confidence_note,
    difference,
    interquartile_mean,
    maximum_excess,
    mean,
    mean_of,
    normalise,
    optimality_gap,
    performance_profile,
    probability_of_improvement,
)


def test_scores_are_scaled_between_floor_and_ceiling():
    np.testing.assert_allclose(normalise([-0.5, 0.25, 1.0, 1.75], -0.5, 1.0), [0, 0.5, 1, 1.5])
    with pytest.raises(ValueError, match="the ceiling must be above the floor, got 1 and 1"):
        normalise([0.0], 1, 1)


def test_the_interval_of_a_mean_is_students():
    # mean 2, deviation 1, t for 2 degrees of freedom 4.3027: 2 ± 4.3027 / √3
    value, low, high = mean(np.array([1.0, 2.0, 3.0]))
    assert value == 2
    assert (low, high) == pytest.approx((2 - 2.48414, 2 + 2.48414), abs=1e-4)
    assert math.isnan(mean(np.array([1.0])).low)


def test_the_interval_of_a_difference_is_welchs():
    a, b = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0, 9.0])
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    value, low, high = difference(a, b)
    assert value == pytest.approx(2 - 5.25)
    assert (low, high) == pytest.approx((expected.low, expected.high))
    assert difference(np.ones(3), np.zeros(2)) == (1, 1, 1)
    assert math.isnan(difference(a, np.array([1.0])).low)


def test_intervals_of_a_mean_cover_the_truth_as_often_as_they_say_with_few_seeds():
    rng, trials = np.random.default_rng(0), 2000
    for seeds in (2, 3, 5):
        drawn = rng.normal(0.3, 0.1, (trials, seeds))
        covered = np.mean([low <= 0.3 <= high for _, low, high in map(mean, drawn)])
        assert covered == pytest.approx(0.95, abs=0.02)  # 4 standard errors


def test_aggregates_by_hand():
    values = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 5.0])
    assert interquartile_mean(values) == pytest.approx((0.4 + 0.6 + 0.8 + 1.0) / 4)
    assert interquartile_mean(values) == pytest.approx(stats.trim_mean(values, 0.25))
    assert optimality_gap(values) == pytest.approx((1 + 0.8 + 0.6 + 0.4 + 0.2) / 8)
    assert mean_of(values) == pytest.approx(9.2 / 8)


def test_an_aggregate_counts_all_runs_and_draws_seeds_within_tasks():
    # Seeds agree within each task: drawing them anew changes nothing.
    value, low, high = aggregate({"a": np.full(3, 0.2), "b": np.full(2, 0.8)}, mean_of)
    assert value == pytest.approx((3 * 0.2 + 2 * 0.8) / 5)
    assert (low, high) == pytest.approx((value, value))
    assert math.isnan(aggregate({"a": np.array([0.2]), "b": np.array([0.8])}, mean_of).low)


def test_an_aggregates_interval_covers_the_truth_with_many_tasks():
    rng, hits = np.random.default_rng(1), 0
    for _ in range(100):
        scores = {str(task): rng.normal(task / 10, 0.1, 10) for task in range(10)}
        _, low, high = aggregate(scores, mean_of, resamples=300)
        hits += low <= 0.45 <= high
    assert hits >= 83  # the bootstrap of 10 seeds reaches about 92 of 100


def test_a_profile_is_the_share_of_runs_above_each_threshold():
    scores = {"a": np.array([0.1, 0.5]), "b": np.array([0.5, 0.9])}
    share, low, high = performance_profile(scores, np.array([0.0, 0.3, 0.5, 0.95]))
    np.testing.assert_allclose(share, [1, 0.75, 0.25, 0])
    assert (low <= share).all() and (share <= high).all()
    assert low[0] == high[0] == 1 and low[1] < high[1]


def test_the_probability_of_improvement_is_that_of_mann_and_whitney():
    a, b = np.array([1.0, 3.0, 5.0]), np.array([2.0, 3.0])
    # pairs (a, b): 1<2, 1<3, 3>2, 3=3, 5>2, 5>3: 3 wins and a tie of 6
    expected = 3.5 / 6
    assert stats.mannwhitneyu(a, b).statistic / 6 == expected
    found = probability_of_improvement({"x": a, "y": np.ones(2)}, {"y": np.zeros(3), "x": b})
    assert found.value == pytest.approx((expected + 1) / 2)
    assert found.low < found.value < found.high
    with pytest.raises(ValueError, match="no task that both have"):
        probability_of_improvement({"x": a}, {"y": b})


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({}, "there is no task with scores"),
        ({"A": np.array([0.1]), "B": np.array([])}, "the scores of B must be a list of at least"),
        ({"A": np.array([0.1, np.nan])}, "the scores of A must be finite"),
    ],
)
def test_scores_that_say_nothing_are_refused(scores, message):
    with pytest.raises(ValueError, match=message):
        aggregate(scores, interquartile_mean)


@pytest.mark.parametrize("iterations", [100, 400])
def test_a_maximum_exceeds_a_noisy_plateau_by_what_normal_numbers_do(iterations):
    rng = np.random.default_rng(2)
    found = [maximum_excess(0.5 + rng.normal(0, 0.1, iterations)) for _ in range(30)]
    real = 0.1 * rng.normal(size=(2000, iterations)).max(1).mean()
    # The trend's own maximum is above the plateau, so the estimate is somewhat low.
    assert 0.6 * real < np.mean(found) < 1.05 * real


def test_a_maximum_of_a_curve_without_noise_exceeds_nothing():
    assert maximum_excess(np.linspace(0, 1, 200)) == pytest.approx(0, abs=0.01)
    assert maximum_excess(np.array([0.1, 0.5])) == 0


def test_few_seeds_are_said_to_be_few():
    assert "nothing is known" in confidence_note(1)
    assert "With 3 seeds" in confidence_note(3)
    assert confidence_note(10) == ""
