import numpy as np
import pytest

from popgym.baselines.ppo.ppo import advantages_and_targets
from popgym.baselines.ppo.rollout import Rollout

GAMMA, LAMBDA = 0.99, 0.95


def make_rollout(end_probability=0.1, seed=0, **overrides):
    rng = np.random.default_rng(seed)
    B, T = 6, 40
    terminated = rng.random((B, T)) < end_probability
    truncated = rng.random((B, T)) < end_probability  # both at once happens too
    fields = {
        "inputs": np.zeros((B, T, 1), np.float32),
        "start": np.zeros((B, T), bool),
        "state": {},
        "actions": np.zeros((B, T)),
        "action_inputs": np.zeros((B, T, 1), np.float32),
        "values": rng.normal(size=(B, T)).astype(np.float32),
        "rewards": rng.normal(size=(B, T)).astype(np.float32),
        "discounted": np.zeros((B, T), np.float32),
        "terminated": terminated,
        "truncated": truncated,
        "final_values": np.where(truncated & ~terminated, rng.normal(size=(B, T)), 0).astype("f4"),
        "last_value": rng.normal(size=B).astype(np.float32),
        "repeated": np.zeros(B, bool),
    }
    return Rollout(**{**fields, **overrides})


def reference(rollout):
    """One step after another, as the recursion is written."""
    B, T = rollout.rewards.shape
    advantages = np.zeros((B, T))
    for b in range(B):
        following = 0.0
        for t in reversed(range(T)):
            terminated, truncated = rollout.terminated[b, t], rollout.truncated[b, t]
            if terminated:
                next_value = 0.0
            elif truncated:
                next_value = rollout.final_values[b, t]
            else:
                next_value = rollout.values[b, t + 1] if t + 1 < T else rollout.last_value[b]
            delta = rollout.rewards[b, t] + GAMMA * next_value - rollout.values[b, t]
            following = delta + (0 if terminated or truncated else GAMMA * LAMBDA * following)
            advantages[b, t] = following
    return advantages


@pytest.mark.parametrize("end_probability", [0.0, 0.02, 0.3, 0.9])
def test_advantages_and_targets_agree_with_the_recursion_step_by_step(end_probability):
    rollout = make_rollout(end_probability)
    advantages, targets = advantages_and_targets(rollout, GAMMA, LAMBDA)
    np.testing.assert_allclose(advantages, reference(rollout), atol=2e-5)
    np.testing.assert_allclose(targets, advantages + rollout.values, atol=1e-6)


def test_by_hand_truncation_bootstraps_and_termination_does_not():
    one = np.ones((1, 1), np.float32)
    rollout = {
        "rewards": one, "values": 2 * one, "final_values": 10 * one, "last_value": np.array([99.0]),
        "terminated": np.array([[False]]), "truncated": np.array([[True]]),
    }  # fmt: skip
    # 1 + .99 · 10 − 2 when truncated; 1 − 2 when terminated, also when both are set.
    assert advantages_and_targets(make_rollout(**rollout), GAMMA, LAMBDA)[0] == pytest.approx(8.9)
    rollout["terminated"] = np.array([[True]])
    assert advantages_and_targets(make_rollout(**rollout), GAMMA, LAMBDA)[0] == pytest.approx(-1.0)


def test_nothing_flows_over_the_end_of_an_episode():
    ends = np.zeros((6, 40), bool)
    ends[:, 19] = True
    rollout = make_rollout(0.0, terminated=ends)
    before, _ = advantages_and_targets(rollout, GAMMA, LAMBDA)
    rollout.rewards[:, 20:] += 100.0
    rollout.values[:, 20:] -= 50.0
    after, _ = advantages_and_targets(rollout, GAMMA, LAMBDA)
    np.testing.assert_array_equal(before[:, :20], after[:, :20])


def test_the_rollout_is_left_as_it_was():
    rollout = make_rollout()
    copies = {name: np.copy(value) for name, value in vars(rollout).items() if name != "state"}
    advantages_and_targets(rollout, GAMMA, LAMBDA)
    for name, copy in copies.items():
        np.testing.assert_array_equal(getattr(rollout, name), copy)
