import math

import numpy as np
import pytest
from scipy import stats

from popgym.benchmark.maximum import maximum_excess
from popgym.benchmark.statistics import (
    aggregate,
    confidence_note,
    difference,
    interquartile_mean,
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
    assert hits >= 87  # of about 95; 4 standard errors


@pytest.mark.parametrize(("seeds", "least"), [(2, 0.86), (3, 0.89)])
def test_an_aggregates_interval_covers_the_truth_with_few_seeds_of_many_tasks(seeds, least):
    # The plain percentile interval covers the truth in about 0.82 and 0.88 of the cases.
    rng, found = np.random.default_rng(3), []
    for _ in range(400):
        scores = {str(task): rng.normal(task / 10, 0.1, seeds) for task in range(20)}
        found.append(aggregate(scores, mean_of, resamples=300))
    covered = np.mean([low <= 0.95 <= high for _, low, high in found])
    assert least < covered < 0.98


def test_an_interval_of_two_seeds_reaches_from_the_lowest_sample_to_the_highest():
    # The quantile for 1 degree of freedom, 12.7 * √2 = 18 deviations, leaves no tail.
    assert aggregate({"a": np.array([0.2, 0.6])}, mean_of) == pytest.approx((0.4, 0.2, 0.6))


def test_the_interval_is_expanded_by_students_quantile_and_the_number_of_seeds():
    # t for the 9 degrees of freedom of 10 seeds is 2.2622; times √(10 / 9) it is 2.3846, beyond
    # which there is 0.00855 of a normal distribution.
    values, resamples = np.random.default_rng(4).normal(size=10), 2000
    rng = np.random.default_rng(0)
    samples = values[rng.integers(10, size=(resamples, 10))].mean(1)
    _, low, high = aggregate({"a": values}, mean_of, resamples=resamples, seed=0)
    expected = np.quantile(samples, [0.00855, 1 - 0.00855])
    np.testing.assert_allclose([low, high], expected, atol=2e-3)
    assert low < np.quantile(samples, 0.02) and high > np.quantile(samples, 0.98)


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


@pytest.mark.parametrize("iterations", [100, 400, 1500])
def test_a_maximum_exceeds_a_noisy_plateau_by_what_normal_numbers_do(iterations):
    rng = np.random.default_rng(2)
    found = [maximum_excess(0.5 + rng.normal(0, 0.1, iterations)) for _ in range(60)]
    # E[max] of n normal numbers, as the integral of x n φ(x) Φ(x)ⁿ⁻¹
    x = np.linspace(-8, 8, 20_001)
    density = iterations * stats.norm.pdf(x) * stats.norm.cdf(x) ** (iterations - 1)
    expected = 0.1 * np.trapezoid(x * density, x)
    assert np.mean(found) == pytest.approx(expected, rel=0.27)


def test_the_expected_maximum_of_a_noisy_rise_is_that_of_its_last_part():
    rng, rise = np.random.default_rng(6), np.linspace(0, 1, 400)
    real = (rise + rng.normal(0, 0.1, (2000, 400))).max(1).mean() - 1
    found = [maximum_excess(rise + rng.normal(0, 0.1, 400)) for _ in range(60)]
    assert np.mean(found) == pytest.approx(real, rel=0.25)


@pytest.mark.parametrize("iterations", [30, 200, 1500])
def test_a_maximum_of_a_curve_without_noise_exceeds_nothing(iterations):
    time = np.linspace(0, 1, iterations)
    for curve in (time, np.ones(iterations), 1 - np.exp(-10 * time)):
        assert maximum_excess(curve) == pytest.approx(0, abs=1e-3)


def test_a_curve_too_short_to_tell_noise_from_trend_has_no_excess():
    assert maximum_excess(np.array([0.1, 0.5])) == maximum_excess(np.array([])) == 0


def test_noise_before_a_task_is_solved_does_not_count_after_it():
    rng, time = np.random.default_rng(7), np.linspace(0, 1, 400)
    curve = 1 / (1 + np.exp(-60 * (time - 0.5))) + rng.normal(0, 0.1, 400) * (time < 0.5)
    assert maximum_excess(curve) < 0.02  # global residuals of a moving average gave 0.22


def test_a_sudden_jump_is_mostly_trend():
    jump = (np.linspace(0, 1, 400) > 0.5).astype(float)
    assert maximum_excess(jump) < 0.15  # residuals of a moving average gave 0.46


def test_a_curve_with_a_gap_is_refused():
    with pytest.raises(ValueError, match="the curve must be finite"):
        maximum_excess(np.array([0.1, np.nan, 0.2]))


def test_few_seeds_are_said_to_be_few():
    assert "nothing is known" in confidence_note(1)
    assert "With 3 seeds" in confidence_note(3)
    assert "reaches 9.0 standard deviations" in confidence_note(2)  # 12.706 / √2
    assert "reaches 2.5 standard deviations" in confidence_note(3)  # 4.303 / √3
    assert confidence_note(10) == ""
