import pytest
import torch
from torch.nn import functional

from popgym.memory.models.delta_net import DeltaNet, DeltaNetState

F, D = 4, 20


def _feature_map(a):
    a = torch.relu(a)
    return a / (1e-5 + a.sum())


def _block(block, rate, x, s):
    """One step x [F] of one block: its output and s."""
    beta = torch.sigmoid(rate.weight @ x + rate.bias)
    x = functional.layer_norm(x, x.shape, block.norm.weight, block.norm.bias)
    w_q, w_k, w_v, w_s = block.project.weight.chunk(4)
    q, k = _feature_map(w_q @ x), _feature_map(w_k @ x)
    s = s + beta * torch.outer(k, w_v @ x - k @ s)
    y = q @ s
    for layer in (block.feed_forward[0], block.feed_forward[2]):
        y = torch.relu(layer.weight @ y + layer.bias)
    return y + w_s @ x + block.shortcut_bias, s


def naive(memory):
    """The formulas, one row, one step and one block at a time."""

    def read(x, state, start):
        rows, kept = [], []
        for b in range(len(x)):
            S, outputs = list(state.S[b]), []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    S = [torch.zeros_like(s) for s in S]
                y_t = x[b, t]
                for i, block in enumerate(memory.blocks):
                    y_t, S[i] = _block(block, memory.rates[i], y_t, S[i])
                outputs.append(memory.output.weight @ y_t + memory.output.bias)
            rows.append(torch.stack(outputs))
            kept.append(torch.stack(S))
        return torch.stack(rows), DeltaNetState(torch.stack(kept))

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("num_layers", [1, 3])
def test_it_equals_the_formula(assert_equals_reference, num_layers, starts):
    torch.manual_seed(1)
    memory = DeltaNet(F, D * num_layers, num_layers)
    assert_equals_reference(memory, naive(memory), starts=starts)


def test_it_equals_the_formula_over_several_chunks_in_single_precision():
    torch.manual_seed(2)
    memory = DeltaNet(16, 64)
    x, start = torch.randn(4, 100, 16), torch.rand(4, 100) < 0.05
    with torch.no_grad():
        y, state = memory(x, memory.initial_state(4), start)
        y_naive, state_naive = naive(memory)(x, memory.initial_state(4), start)
    torch.testing.assert_close(y, y_naive, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(state.S, state_naive.S, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "hidden_size, num_layers, key_size", [(256, 1, 16), (256, 4, 8), (2, 4, 1)]
)
def test_the_size_of_the_keys_is_that_of_fast_weights(hidden_size, num_layers, key_size):
    memory = DeltaNet(F, hidden_size, num_layers)
    assert memory.initial_state(2).S.shape == (2, num_layers, key_size, key_size)
    assert memory.receptive_field is None


def test_autocast_keeps_the_state_in_the_parameters_dtype_and_agrees_with_float32():
    torch.manual_seed(3)
    memory = DeltaNet(16, 64)
    x, start = torch.randn(4, 40, 16), torch.rand(4, 40) < 0.1
    exact, _ = memory(x, memory.initial_state(4), start)
    for inputs in (x, x.bfloat16()):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y, state = memory(inputs, memory.initial_state(4), start)
        assert state.S.dtype == torch.float32
        torch.testing.assert_close(y.float(), exact, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("option", ["hidden_size", "num_layers"])
def test_a_size_that_does_not_fit_is_refused(option):
    with pytest.raises(ValueError, match=f"{option} must be at least 1, got 0"):
        DeltaNet(F, **{"hidden_size": D, option: 0})
