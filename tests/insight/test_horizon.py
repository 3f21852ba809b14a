"""From effects to curves and the horizon."""

import math

import numpy as np
import pytest

from popgym.insight.counterfactual import Effects
from popgym.insight.horizon import Sums, curve, horizon, sums


def effect_of(matrix, steps=None, replaced=None):
    matrix = np.asarray(matrix, np.float32)
    replaced = np.arange(len(matrix)) if replaced is None else np.asarray(replaced)
    return Effects(steps or len(matrix), replaced, matrix, matrix, matrix)


def test_a_case_by_hand():
    nan = math.nan
    found = [effect_of([[0.1, 0.5, 0.0], [0.3, 0.7, nan], [0.2, nan, nan]])]
    total = sums(found, "variation")
    np.testing.assert_allclose(total.effect, [[0.6, 1.2, 0.0]], rtol=1e-6)
    np.testing.assert_allclose(total.steps, [[3, 2, 1]])
    np.testing.assert_allclose(curve(total).value, [0.2, 0.6, 0.0], rtol=1e-6)
    assert np.isnan(curve(total).low).all()  # one episode
    steps, low, high = horizon(total)
    assert steps == 1
    assert math.isnan(low)
    assert math.isnan(high)
    assert horizon(total, share=0.3).steps == 0


def test_some_replaced_observations_stand_for_all():
    whole = effect_of([[0.1, 0.5], [0.1, 0.5], [0.1, 0.5], [0.1, math.nan]])
    half = effect_of([[0.1, 0.5], [0.1, 0.5]], steps=4, replaced=[0, 2])
    a, b = sums([whole, whole], "value"), sums([half, whole], "value")
    np.testing.assert_allclose(b.effect[0], [0.4, 2.0], rtol=1e-6)
    np.testing.assert_allclose(curve(a).value, curve(b).value, rtol=1e-6)


def test_the_first_step_of_every_episode_has_a_horizon_of_its_length():
    matrix = np.zeros((50, 50))
    matrix[0] = 1.0  # the first observation changes every later step
    assert horizon(sums([effect_of(matrix)] * 3, "variation"))[:3] == (44, 44, 44)


def test_no_effect_has_no_horizon():
    assert all(math.isnan(x) for x in horizon(Sums(np.zeros((3, 5)), np.ones((3, 5)))))


def test_episodes_of_different_length_count_with_their_steps():
    short, long = effect_of([[1.0]]), effect_of([[0.0, 0.5], [0.0, math.nan]])
    total = sums([short, long], "variation")
    np.testing.assert_allclose(curve(total).value, [1 / 3, 0.5])


@pytest.mark.parametrize(("episodes", "share"), [(8, 0.82), (16, 0.86), (32, 0.89)])
def test_intervals_cover_the_truth_as_often_as_the_docs_say(episodes, share):
    """Simulated agents remember either 5 or 15 steps, with random strength: the truth is known."""
    rng = np.random.default_rng(0)
    truth = simulated(rng, 200_000)
    expected = truth.effect.sum(0) / truth.steps.sum(0)
    right = horizon(truth).steps
    inside, covered = np.zeros(30), 0
    repetitions = 150
    for _ in range(repetitions):
        sample = simulated(rng, episodes)
        c, h = curve(sample), horizon(sample)
        inside += (c.low <= expected) & (expected <= c.high)
        covered += h.low <= right <= h.high
    assert inside.mean() / repetitions > share
    assert covered / repetitions > 0.9


def simulated(rng, episodes):
    lag = np.arange(30)
    length = rng.choice([5.0, 15.0], (episodes, 1))
    strength = rng.gamma(4.0, 1.0, (episodes, 1))
    noise = rng.gamma(2.0, 0.5, (episodes, 30))
    return Sums(strength * np.exp(-lag / length) * noise, np.ones((episodes, 30)))
