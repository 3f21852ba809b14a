import json
import math

import numpy as np
import pytest
import torch
from gymnasium import spaces

from popgym.insight import gradients
from popgym.insight.gradients import gradient_norms, gradients_enabled
from popgym.insight.memory_inputs import memory_inputs
from popgym.insight.reach import MOST_ROWS, reach
from popgym.runs.policy import Policy
from tests.insight.recordings import DETACHED, LEAKY, SIZE, policy_with, recording_of


def decays_of(policy, *lengths, **options):
    return reach(policy, recording_of(policy, *lengths), **{"seed": 0, **options}).decays


def test_the_jacobian_of_a_leaky_sum_decays_like_its_weights():
    (decay,) = decays_of(policy_with(LEAKY, {"decay": 0.8}), 40, 40, max_lag=19)
    expected = 0.8 ** np.arange(20)
    np.testing.assert_allclose(decay.trained / decay.trained[0], expected, rtol=1e-5)
    # ‖I‖ = √size; one projection has a relative deviation of 1 / √(2 size)
    error = 4 / math.sqrt(2 * SIZE * MOST_ROWS)
    np.testing.assert_allclose(decay.trained, math.sqrt(SIZE) * expected, rtol=error)


@pytest.mark.parametrize(
    ("memory", "options"),
    [
        ("frameconv", {"stack_size": 4}),
        ("framestack", {}),
        ("tcn", {}),
        ("gtrxl", {"window": 3}),
        ("frameconv", {"stack_size": 3, "num_layers": 2}),
    ],
)
def test_nothing_is_seen_beyond_the_receptive_field(memory, options):
    policy = policy_with(memory, options)
    field = policy.net.core.receptive_field
    decay = decays_of(policy, 2 * field + 4, max_lag=field + 2)[0]
    assert decay.receptive_field == field
    for measured in (decay.initial, decay.trained):
        assert (measured[:field] > 0).all()
        assert (measured[field:] == 0).all()
        assert len(measured) == field + 3


def test_each_layer_of_a_stack_is_measured_by_itself():
    policy = policy_with("frameconv", {"stack_size": 3, "num_layers": 2})
    decays = decays_of(policy, 12, max_lag=6)
    assert [decay.name for decay in decays] == ["memory", "layer 1", "layer 2"]
    assert [decay.receptive_field for decay in decays] == [5, 3, 3]
    assert [np.flatnonzero(decay.trained).max() for decay in decays] == [4, 2, 2]
    for decay, layer in zip(decays[1:], policy.net.core.memories, strict=True):
        weight = layer.conv.weight.detach()  # [D, F, W], the last of a window is lag 0
        expected = weight.flip(-1).square().sum((0, 1)).sqrt().numpy()
        np.testing.assert_allclose(decay.trained[:3], expected, rtol=0.1)


def test_a_residual_layer_is_measured_without_its_residual_connection():
    policy = policy_with(LEAKY, {"decay": 0.5, "num_layers": 2, "residual": True})
    for decay in decays_of(policy, 20, max_lag=8)[1:]:
        np.testing.assert_allclose(decay.trained / decay.trained[0], 0.5 ** np.arange(9), rtol=1e-5)


def test_an_mlp_sees_only_the_current_input():
    policy = policy_with("mlp")
    found = reach(policy, recording_of(policy, 9), seed=0)
    assert found.receptive_field == 1
    assert found.decays[0].trained[0] > 0
    assert (found.decays[0].trained[1:] == 0).all()
    assert "the memory sees only the current input" in found.notes[0]


@pytest.mark.parametrize("memory", ["gru", "lru", "diffnc"])
def test_the_estimate_agrees_with_the_whole_jacobian(memory):
    policy, lags = policy_with(memory), 5
    recording = recording_of(policy, 12)
    (decay,) = reach(policy, recording, seed=0, max_lag=lags - 1).decays
    x, core = memory_inputs(policy.net, recording.episodes[0]), policy.net.core
    squares = np.zeros(lags)
    for t in range(lags - 1, 12):
        jacobian = torch.autograd.functional.jacobian(
            lambda x, t=t: core(x[None], core.initial_state(1))[0][0, t], x
        )  # [D, T, F]
        norms = jacobian.square().sum((0, 2)).numpy()
        squares += norms[t - np.arange(lags)]
    np.testing.assert_allclose(decay.trained, np.sqrt(squares / (13 - lags)), rtol=0.12)


@pytest.mark.parametrize("memory", ["frameconv", "gru", "lru", "gtrxl"])
def test_a_row_begins_at_the_state_before_its_window(memory):
    """Rows of at most four steps against one pass over the whole episode."""
    policy, steps, lags = policy_with(memory), np.array([0, 2, 9, 9, 29]), 4
    core, v = policy.net.core, torch.linspace(-1, 1, SIZE)
    x = memory_inputs(policy.net, recording_of(policy, 30).episodes[0]).requires_grad_()
    found = gradient_norms(core, x.detach(), steps, lags, lambda y, _: [y @ v])[0]
    y, _ = core(x[None], core.initial_state(1))
    for row, t in zip(found, steps.tolist(), strict=True):
        (gradient,) = torch.autograd.grad(y[0, t] @ v, x, retain_graph=True)
        inside = min(lags, t + 1)
        expected = gradient.norm(dim=-1)[: t + 1].flip(0)[:inside]
        np.testing.assert_allclose(row[:inside], expected, rtol=1e-4, atol=1e-7)
        assert np.isnan(row[inside:]).all()


def test_the_numbers_do_not_depend_on_how_many_rows_are_computed_at_once(monkeypatch):
    policy = policy_with("gru")
    together = decays_of(policy, 20, 7)[0].trained
    monkeypatch.setattr(gradients, "STEPS_AT_ONCE", 1)
    np.testing.assert_allclose(decays_of(policy, 20, 7)[0].trained, together, rtol=0.1)


def test_before_training_means_the_weights_of_the_seed():
    policy = policy_with("gru")
    recording = recording_of(policy, 10)
    fresh = Policy(policy.spec, policy.spec.build(3))
    (decay,) = reach(policy, recording, seed=3).decays
    (of_fresh,) = reach(fresh, recording, seed=3).decays
    np.testing.assert_array_equal(decay.initial, of_fresh.trained)
    with torch.no_grad():
        policy.net.core.gru.weight_hh_l0 *= 3
    (changed,) = reach(policy, recording, seed=3).decays
    np.testing.assert_array_equal(changed.initial, decay.initial)
    assert changed.trained[3] > 1.5 * decay.trained[3]


def test_lags_are_measured_at_the_same_steps_up_to_half_of_an_episode():
    policy = policy_with(LEAKY, {"decay": 1.0})
    (decay,) = decays_of(policy, 30)
    assert np.ptp(decay.trained[:16]) < 1e-5 * decay.trained[0]
    assert np.isfinite(decay.trained).all()


def test_the_policy_is_left_as_it_was():
    policy = policy_with("gru", {"num_layers": 2, "residual": True})
    before = {name: value.clone() for name, value in policy.net.state_dict().items()}
    random = torch.get_rng_state()
    decays_of(policy, 6, 3)
    assert all(parameter.grad is None for parameter in policy.net.parameters())
    assert all(parameter.requires_grad for parameter in policy.net.parameters())
    assert not any(module.training for module in policy.net.modules())
    assert not any(module._forward_pre_hooks for module in policy.net.modules())
    after = policy.net.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_mode_of_the_caller_does_not_matter(mode):
    policy = policy_with("gru")
    expected = decays_of(policy, 6)[0].trained
    with mode():
        np.testing.assert_array_equal(decays_of(policy, 6)[0].trained, expected)


@pytest.mark.parametrize("flushed", [False, True])
def test_tiny_numbers_are_flushed_only_while_gradients_are_computed(flushed):
    def tiny():
        return (torch.tensor(1e-38) / 100).item()

    try:
        torch.set_flush_denormal(flushed)
        with gradients_enabled():
            assert tiny() == 0
        assert (tiny() == 0) == flushed
    finally:
        torch.set_flush_denormal(False)


def test_equal_seeds_give_equal_numbers():
    policy = policy_with("gru")
    first, again, other = (decays_of(policy, 8, seed=seed)[0].trained for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_episodes_of_one_step_have_only_lag_0():
    policy = policy_with("gru")
    found = reach(policy, recording_of(policy, 1, 1), seed=0)
    assert found.decays[0].trained.shape == (1,)
    assert "episodes have one step" in found.notes[0]


@pytest.mark.parametrize(
    ("memory", "options", "note", "known"),
    [
        (DETACHED, {}, "memory after training: no Jacobian, because its outputs have no", 0),
        (LEAKY, {"decay": 1e10}, "memory after training: the Jacobian is too large", 4),
    ],
)
def test_what_is_not_known_is_noted_and_null_in_json(memory, options, note, known):
    policy = policy_with(memory, options)
    found = reach(policy, recording_of(policy, 12), seed=0, max_lag=5)
    assert any(each.startswith(note) for each in found.notes)
    data = json.loads(json.dumps(found.as_data(), allow_nan=False))
    values = data["decays"][0]["trained"]
    assert [value is not None for value in values] == [lag < known for lag in range(6)]


def test_a_small_budget_measures_fewer_lags():
    policy = policy_with("gru")
    found = reach(policy, recording_of(policy, 50), seed=0, budget=320)
    assert len(found.decays[0].trained) == 10
    assert found.notes == ["gradients at lags above 9 were not computed, to save time"]


def test_numbers_are_normalised_as_in_the_trained_network_also_before_training():
    policy = policy_with("gru", normalise_observations=True, obs=spaces.Box(-np.inf, np.inf, (3,)))
    with torch.no_grad():
        policy.net.inputs.normaliser.deviation.fill_(1e6)
        policy.net.inputs.normaliser.mean.fill_(5e5)
    recording = recording_of(policy, 8)
    before = reach(policy, recording, seed=0).decays[0].initial
    for inputs in recording.inputs:
        inputs["measured"] *= 100  # nothing, compared with the deviation
    after = reach(policy, recording, seed=0).decays[0].initial
    np.testing.assert_allclose(after, before, rtol=1e-3)
