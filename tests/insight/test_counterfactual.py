"""The effect of replaced observations, where it is known."""

import copy

import numpy as np
import pytest
import torch

from popgym.insight.alternatives import alternatives
from popgym.insight.counterfactual import KINDS, effects, steps_to_replace
from popgym.insight.recording import record
from popgym.networks.action_spaces import action_distribution
from popgym.runs.environment import make_environments
from tests.insight.memories import policy_of

ALL = 10**9


def measured(policy, env, *, episodes=3, max_steps=60, max_lag=ALL, seed=1):
    """Record episodes, and replace each observation."""
    environments = make_environments(env, episodes)
    recording = record(policy, environments, seed=seed, max_steps=max_steps)
    others = alternatives(policy, environments, recording, seed=seed)
    chosen = steps_to_replace(others.usable, max_lag, ALL, seed)
    environments.close()
    return [
        effects(policy, *each, max_lag=max_lag)
        for each in zip(recording.episodes, others.inputs, chosen, strict=True)
    ]


@pytest.mark.parametrize("env", ["RepeatPreviousEasy", "PositionOnlyCartPoleEasy", "CartPole-v1"])
def test_a_delay_is_the_only_lag_with_an_effect(env):
    policy = policy_of(env, "tests.insight.memories:Delay", delay=4)
    for found in measured(policy, env):
        for kind in KINDS:
            by_lag = np.nan_to_num(getattr(found, kind)).max(0)
            if len(by_lag) > 4:
                assert by_lag[4] > 1e-4
            assert by_lag[np.arange(len(by_lag)) != 4].max() == 0


@pytest.mark.parametrize(
    ("memory", "options"),
    [("mlp", {}), ("frameconv", {"stack_size": 5}), ("tcn", {}), ("framestack", {})],
)
def test_there_is_exactly_no_effect_beyond_the_receptive_field(memory, options):
    policy = policy_of("RepeatPreviousMedium", memory, **options)
    field = policy.net.core.receptive_field
    (found,) = measured(policy, "RepeatPreviousMedium", episodes=1, max_steps=field + 40)
    variation = np.nan_to_num(found.variation).max(0)
    assert (variation[:field] > 0).all()
    assert variation[field:].max() == 0
    assert np.nan_to_num(found.value)[:, field:].max() == 0


def test_there_is_no_effect_across_a_clearing_of_the_state():
    policy = policy_of("RepeatPreviousEasy", "tests.insight.memories:Forgetful")
    (found,) = measured(policy, "RepeatPreviousEasy", episodes=1)
    t = found.replaced[:, None] + np.arange(found.variation.shape[1])
    together = t // 5 == found.replaced[:, None] // 5
    variation = np.nan_to_num(found.variation)
    assert (variation[together & (t < found.steps)] > 0).all()
    assert variation[~together].max() == 0


@pytest.mark.parametrize("memory", ["gru", "gtrxl", "lru"])
@pytest.mark.parametrize("env", ["RepeatPreviousEasy", "Pendulum-v1"])
def test_effects_are_those_of_whole_episodes_played_anew(memory, env):
    policy = policy_of(env, memory)
    environments = make_environments(env, 2)
    recording = record(policy, environments, seed=3, max_steps=12)
    others = alternatives(policy, environments, recording, seed=3)
    environments.close()
    episode, other = recording.episodes[1], others.inputs[1]
    found = effects(policy, episode, other, np.array([0, 2, 7]), max_lag=6)
    distribution = action_distribution(policy.action_space)
    with torch.inference_mode():
        for row, s in enumerate(found.replaced):
            seen = episode.tensors()
            changed = copy.deepcopy(seen)
            for name in changed:
                changed[name][0, s] = torch.from_numpy(other[name][s])
            p, v, _ = policy.net(seen, policy.net.initial_state(1))
            q, w, _ = policy.net(changed, policy.net.initial_state(1))
            count = min(7, episode.steps - s)
            kl = distribution.kl(p, q)[0, s : s + count]
            change = (v - w).abs()[0, s : s + count]
            np.testing.assert_allclose(found.divergence[row, :count], kl, rtol=1e-3, atol=1e-6)
            np.testing.assert_allclose(found.value[row, :count], change, rtol=1e-3, atol=1e-5)
            assert np.isnan(found.divergence[row, count:]).all()


def test_names_of_actions_and_constants_do_not_matter():
    policy = policy_of("RepeatPreviousEasy")
    environments = make_environments("RepeatPreviousEasy", 1)
    recording = record(policy, environments, seed=1, max_steps=60)
    others = alternatives(policy, environments, recording, seed=1)
    environments.close()
    episode, other = recording.episodes[0], others.inputs[0]
    before = effects(policy, episode, other, np.arange(20), max_lag=30)
    with torch.no_grad():
        head, critic = policy.net.actor_head, policy.net.critic_head
        head.weight[:] = head.weight[[2, 0, 3, 1]]
        head.bias[:] = head.bias[[2, 0, 3, 1]] + 5  # to all logits
        critic.weight *= 7
    after = effects(policy, episode, other, np.arange(20), max_lag=30)
    np.testing.assert_allclose(after.variation, before.variation, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(after.divergence, before.divergence, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(after.value, 7 * before.value, rtol=1e-3, atol=1e-5)


def test_the_budget_limits_the_replaced_observations():
    usable = [np.ones(100, bool), np.ones(50, bool), np.ones(50, bool)]
    everything = steps_to_replace(usable, None, ALL, 0)
    assert [len(each) for each in everything] == [100, 50, 50]
    chosen = steps_to_replace(usable, None, 3_000, 0)
    work = [int((len(u) - each).sum()) for u, each in zip(usable, chosen, strict=True)]
    assert sum(work) < 3_600
    assert work[0] < 1_900
    assert all((np.diff(each) > 0).all() for each in chosen)
    usable[1][:] = False
    assert [len(each) for each in steps_to_replace(usable, None, ALL, 0)] == [100, 0, 50]
