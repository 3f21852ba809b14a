"""Rewards of any size are learned from alike, and advantages are not scaled up to noise."""

import numpy as np
import pytest

from popgym.baselines.ppo.scaling import ObservationScale, RewardScale

TOYS = "tests.baselines.ppo.toys"


def test_the_divisor_is_the_root_mean_square_of_all_returns_so_far():
    drawn = np.random.default_rng(0).normal(3.0, 2.0, (3, 5, 8))
    scale = RewardScale()
    for part in drawn:
        scale.add(part)
    assert scale.divisor == pytest.approx(np.sqrt(np.mean(drawn**2)))


def test_the_divisor_is_the_size_of_values_where_only_the_last_step_is_rewarded():
    scale = RewardScale()
    scale.add(np.array([[0, 0, 0, 8.0]]))
    assert scale.divisor == pytest.approx(4)
    scale.add_targets(np.array([[6.0, 7, 7.5, 8]]))
    assert scale.divisor == pytest.approx(np.sqrt((36 + 49 + 56.25 + 64) / 4))


@pytest.mark.parametrize("reward", [0.0, 1e-30, 1e-8, 1.0, 1e6, 1e30])
def test_equal_rewards_of_any_size_become_one_or_stay_zero(reward):
    scale = RewardScale()
    scale.add(np.full((1, 1), reward))  # one environment, one step
    assert reward / scale.divisor == pytest.approx(float(reward > 0))


def test_the_discounted_return_is_the_sum_within_the_episode(build):
    algorithm = build(f"{TOYS}:Countdown", num_envs=3, rollout=9, gamma=0.5, memory="mlp")
    (first,), (second,) = (algorithm.env_runner.sample() for _ in range(2))
    expected = np.zeros(3)
    for rollout in (first, second):  # an episode goes on from one rollout to the next
        for t in range(9):
            expected = rollout.rewards[:, t] + 0.5 * np.where(rollout.start[:, t], 0, expected)
            np.testing.assert_allclose(rollout.discounted[:, t], expected, rtol=1e-6)
    assert first.start[:, 1:].any()


@pytest.mark.parametrize("normalise", [True, False])
def test_advantages_are_those_of_divided_rewards(build, normalise):
    algorithm = build(normalise_rewards=normalise)
    learner, (rollout,) = algorithm.learner_group._learner, algorithm.env_runner.sample()
    batch = learner.batch_of(rollout)
    divisor = np.sqrt(np.mean(rollout.discounted.astype(float) ** 2)) if normalise else 1.0
    ended = (rollout.terminated | rollout.truncated)[:, -1]
    assert not ended.all()
    expected = rollout.rewards[:, -1] / divisor + 0.99 * rollout.last_value
    np.testing.assert_allclose(batch.targets.numpy()[~ended, -1], expected[~ended], rtol=1e-4)


def test_rewards_a_million_times_as_large_teach_the_same(build):
    targets = []
    for factor in (1.0, 2.0**20):
        algorithm = build("RepeatPreviousEasy")
        (rollout,) = algorithm.env_runner.sample()
        rollout.rewards *= factor
        rollout.discounted *= factor
        batch = algorithm.learner_group._learner.batch_of(rollout)
        targets.append((batch.targets.numpy(), batch.advantages.numpy()))
    np.testing.assert_allclose(targets[0], targets[1], rtol=1e-4, atol=1e-6)


def test_returns_are_reported_as_they_are(build):
    row = build(f"{TOYS}:Countdown", memory="mlp").train()["env_runners"]
    assert row["episode_return_mean"] == 4.0


# ---- observations


def test_mean_and_deviation_are_those_of_all_observations():
    drawn = np.random.default_rng(0).normal([3.0, -1e6], [2.0, 10.0], (4, 5, 6, 2))
    scale = ObservationScale(2)
    for part in drawn:
        scale.add(part)
    rows = drawn.reshape(-1, 2)
    assert scale.count == len(rows)
    np.testing.assert_allclose(scale.mean, rows.mean(0), rtol=1e-12)
    np.testing.assert_allclose(scale.deviation, rows.std(0), rtol=1e-9)


@pytest.mark.parametrize("value", [0.0, 7.0, 0.1, -1e30])
def test_a_constant_observation_is_not_divided_by_zero(value):
    scale = ObservationScale(1)
    scale.add(np.full((1, 1, 1), value, np.float32))  # one environment, one step
    scale.add(np.full((2, 3, 1), value, np.float32))
    assert scale.deviation.tolist() == [1.0]
    assert scale.mean[0] == pytest.approx(np.float32(value))


def test_the_network_sees_new_statistics_after_the_update_and_not_before(build):
    algorithm = build("PositionOnlyCartPoleEasy", memory="gru")
    learner, runner = algorithm.learner_group._learner, algorithm.env_runner
    seen = []
    for _ in range(3):
        (rollout,) = runner.sample()
        batch = learner.batch_of(rollout)
        logits, values = learner.forward(batch)  # as it acted: the ratio is 1
        np.testing.assert_allclose(logits.detach(), rollout.action_inputs, atol=2e-5)
        np.testing.assert_allclose(values.detach(), rollout.values, atol=2e-5)
        learner._learn_inputs(rollout)
        runner.set_state({"rl_module": learner.get_state()["rl_module"]})
        seen.append(rollout.inputs["measured"].reshape(-1, 2).astype(float))
        normaliser = runner.net.inputs.normaliser
        np.testing.assert_allclose(normaliser.mean, np.concatenate(seen).mean(0), rtol=1e-5)
        np.testing.assert_allclose(normaliser.deviation, np.concatenate(seen).std(0), rtol=1e-5)


def test_without_normalisation_all_is_among_the_numbers(build):
    runner = build("PositionOnlyCartPoleEasy", normalise_observations=False).env_runner
    (rollout,) = runner.sample()
    assert list(rollout.inputs) == ["numbers"]
    assert rollout.inputs["numbers"].shape[-1] == 2 + 2 + 1
