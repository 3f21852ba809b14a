import json

import numpy as np
import pytest
import torch
from gymnasium import spaces

from popgym.insight.effect import MOST_CELLS
from popgym.insight.memory_inputs import memory_inputs
from popgym.insight.saliency import KINDS, saliency
from popgym.networks.action_spaces import action_distribution
from tests.insight.recordings import DETACHED, LEAKY, policy_with, recording_of

TIMED = {"embedding": "sine", "embedding_max_steps": 16}


def saliency_of(policy, *lengths, **options):
    return saliency(policy, recording_of(policy, *lengths), **{"seed": 0, **options})


def direct(policy, recording, t, loss):
    """Return the gradient norms [T] of a loss of the network's outputs at step t, by hand."""
    z = memory_inputs(policy.net, recording.episodes[0]).requires_grad_()
    y, _ = policy.net.core(z[None], policy.net.core.initial_state(1))
    logits, values = policy.net.heads(y[0, t])
    (gradient,) = torch.autograd.grad(loss(logits, values), z)
    return gradient.norm(dim=-1).numpy()


@pytest.mark.parametrize("memory", ["gru", "lru", "tcn"])
def test_one_step_agrees_with_a_gradient_by_hand(memory):
    policy, t = policy_with(memory, network=TIMED), 7
    recording = recording_of(policy, 10)
    maps = saliency(policy, recording, seed=0).heat_maps
    value = direct(policy, recording, t, lambda _, value: value)
    np.testing.assert_allclose(maps["value"][t, : t + 1], value[: t + 1], rtol=1e-4, atol=1e-7)
    found, distribution = maps["policy"][t, : t + 1], action_distribution(policy.action_space)
    candidates = [
        direct(policy, recording, t, lambda x, _, a=a: distribution.log_prob(x, torch.tensor(a)))
        for a in range(3)
    ]
    assert any(np.allclose(found, each[: t + 1], rtol=1e-4, atol=1e-7) for each in candidates)


def test_the_features_are_those_that_the_network_computes():
    policy = policy_with("gru", network=TIMED)
    episode = recording_of(policy, 10).episodes[0]
    with torch.no_grad():
        y, _ = policy.net.core(
            memory_inputs(policy.net, episode)[None], policy.net.core.initial_state(1)
        )
        expected, _, _ = policy.net(episode.tensors(), policy.net.initial_state(1))
    torch.testing.assert_close(policy.net.heads(y)[0], expected)


def test_a_curve_is_the_mean_of_the_heat_map_at_equal_lags():
    found = saliency_of(policy_with("gru"), 12)
    for kind in KINDS:
        heat_map, curve = found.heat_maps[kind], found.curves[kind].value
        means = [np.diagonal(heat_map, -lag).mean() for lag in range(12)]
        np.testing.assert_allclose(curve, means, rtol=1e-5)


def test_an_episode_weighs_as_much_as_it_has_steps_however_many_are_computed():
    """The first of five episodes, the only one with a choice, gets half of the budget."""
    policy = policy_with("gru", masked=True)
    recording = recording_of(policy, *[100] * 5)
    for inputs in recording.inputs:
        inputs["mask"][1:, 1:] = False
    few, many = (
        saliency(policy, recording, seed=0, max_lag=0, budget=budget).curves["policy"].value
        for budget in (160, 100_000)  # 50 and 20 steps of each episode, and all 100
    )
    np.testing.assert_allclose(few, many, rtol=0.2)


@pytest.mark.parametrize("memory", ["frameconv", "tcn"])
def test_nothing_is_salient_beyond_the_receptive_field(memory):
    policy = policy_with(memory)
    field = policy.net.core.receptive_field
    found = saliency_of(policy, field + 6, field + 3)
    for kind in KINDS:
        curve, heat_map = found.curves[kind].value, found.heat_maps[kind]
        assert (curve[:field] > 0).all()
        assert (curve[field:] == 0).all()
        assert (heat_map[np.tril_indices(field + 6, -field)] == 0).all()


def test_an_mlp_has_only_the_present():
    found = saliency_of(policy_with("mlp"), 8)
    assert (np.diagonal(found.heat_maps["value"]) > 0).all()
    assert (found.heat_maps["value"][np.tril_indices(8, -1)] == 0).all()
    assert "the memory sees only the current input" in found.notes[0]


def test_the_future_has_no_saliency():
    heat_map = saliency_of(policy_with("gru"), 9).heat_maps["policy"]
    assert np.isnan(heat_map[np.triu_indices(9, 1)]).all()
    assert np.isfinite(heat_map[np.tril_indices(9)]).all()


@pytest.mark.parametrize(
    "actions",
    [
        spaces.Discrete(3, start=-1),
        spaces.MultiDiscrete([2, 3]),
        spaces.Box(-2, 2, (2,)),
        spaces.Dict(a=spaces.Discrete(2), b=spaces.Tuple([spaces.Box(0, 1, (1,))])),
    ],
    ids=str,
)
def test_every_kind_of_action_has_gradients(actions):
    found = saliency_of(policy_with("gru", actions=actions), 6, 4)
    assert (found.curves["policy"].value > 0).all()


@pytest.mark.parametrize("obs", [spaces.Box(-9, 9, (2,)), spaces.Box(0, 255, (9, 9, 3), np.uint8)])
def test_every_kind_of_observation_has_gradients(obs):
    policy = policy_with("gru", obs=obs, normalise_observations=True)
    assert (saliency_of(policy, 6).curves["value"].value > 0).all()


def test_a_choice_without_alternative_has_no_gradient():
    policy = policy_with("gru", masked=True)
    recording = recording_of(policy, 10)
    for t, inputs in enumerate(recording.inputs):
        inputs["mask"][:] = [True, t % 2 == 0, False]  # at odd steps there is no choice
    found = saliency(policy, recording, seed=0).heat_maps
    lower = np.tril(np.ones((10, 10), bool))
    assert (found["policy"][1::2][lower[1::2]] == 0).all()
    assert (found["policy"][::2][lower[::2]] > 0).all()
    assert (found["value"][lower] > 0).all()


def test_the_interval_of_several_episodes_contains_the_mean():
    found = saliency_of(policy_with("gru"), 9, 7, 8, 9)
    value, low, high = (each[:5] for each in found.curves["value"])
    assert ((low < value) & (value < high)).all()
    assert found.notes == []


def test_one_episode_has_no_interval():
    found = saliency_of(policy_with("gru"), 9)
    assert np.isnan(found.curves["value"].low).all()
    assert found.notes == ["one episode gives no interval"]


def test_long_episodes_have_a_coarse_heat_map():
    found = saliency_of(policy_with(LEAKY), 300, max_lag=30)
    assert found.cell == 3
    heat_map = found.heat_maps["policy"]
    assert heat_map.shape == (100, 100)
    assert max(heat_map.shape) <= MOST_CELLS
    assert heat_map.dtype == np.float32
    assert np.isfinite(np.diagonal(heat_map)).all()
    assert np.isnan(heat_map[np.tril_indices(100, -12)]).all()  # more than 30 steps ago


def test_a_small_budget_measures_fewer_lags_steps_and_episodes():
    found = saliency_of(policy_with("gru"), *[40] * 60, budget=640)
    assert len(found.curves["value"].value) == 20
    assert found.notes == [
        "gradients at lags above 19 were not computed, to save time",
        "gradients were computed for 17 episodes, to save time",
    ]


def test_episodes_of_one_step_have_only_lag_0():
    found = saliency_of(policy_with("gru"), 1, 1)
    assert found.heat_maps["value"].shape == (1, 1)
    assert found.curves["value"].value.shape == (1,)
    assert "episodes have one step" in found.notes[0]


def test_a_memory_without_gradient_is_noted():
    found = saliency_of(policy_with(DETACHED), 9)
    assert found.notes == ["no saliency, because no gradient reaches its inputs"]
    assert found.curves["value"].value.shape == (0,)
    json.dumps(found.as_data(), allow_nan=False)


def test_gradients_that_are_too_large_are_left_out():
    found = saliency_of(policy_with(LEAKY, {"decay": 1e12}), 9)
    assert "gradients that are too large for float32 were left out" in found.notes
    assert np.isfinite(found.curves["value"].value[:4]).all()
    assert np.isnan(found.curves["value"].value[4:]).all()


def test_json_has_null_and_no_nan():
    data = json.loads(json.dumps(saliency_of(policy_with("gru"), 5).as_data(), allow_nan=False))
    assert data["heat_map"]["steps_per_cell"] == 1
    assert data["heat_map"]["policy"][0][1] is None
    assert data["value_interval"][0] == [None, None]
    assert len(data["policy"]) == 5


def test_the_policy_is_left_as_it_was_and_equal_seeds_give_equal_numbers():
    policy, random = policy_with("gru"), torch.get_rng_state()
    first, again, other = (saliency_of(policy, 9, 9, seed=seed).heat_maps for seed in (1, 1, 2))
    np.testing.assert_array_equal(first["policy"], again["policy"])
    assert np.nanmax(np.abs(first["policy"] - other["policy"])) > 0
    assert all(parameter.grad is None for parameter in policy.net.parameters())
    assert all(parameter.requires_grad for parameter in policy.net.parameters())
    assert not any(module.training for module in policy.net.modules())
    assert torch.equal(torch.get_rng_state(), random)
