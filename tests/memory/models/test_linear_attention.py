import pytest
import torch
from torch.nn import functional

from popgym.memory.models.linear_attention import (
    DeepLinearAttention,
    LinearAttention,
    LinearAttentionState,
)

F, D = 4, 20
PUT = {"sum": torch.add, "max": torch.maximum}
CPU_BF16 = {"device_type": "cpu", "dtype": torch.bfloat16}


def _block(memory, block, x, s, z):
    """Compute one step x [F] of one block: its output, s and z."""
    x = functional.layer_norm(x, x.shape, block.norm.weight, block.norm.bias)
    w_q, w_k, w_v, w_s = block.project.weight.chunk(4)
    q, k, v = functional.elu(w_q @ x) + 1, functional.elu(w_k @ x) + 1, w_v @ x
    s = PUT[memory.S_aggregator](s, torch.outer(k, v))
    z = PUT[memory.Z_aggregator](z, k)
    y = (q @ s) / (q @ z + 1e-5)
    for layer in (block.feed_forward[0], block.feed_forward[2]):
        y = torch.relu(layer.weight @ y + layer.bias)
    return y + w_s @ x + block.shortcut_bias, s, z


def naive(memory):
    """The formulas, one row, one step and one block at a time."""

    def read(x, state, start):
        rows, kept = [], []
        for b in range(len(x)):
            S, Z = list(state.S[b]), list(state.Z[b])
            outputs = []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    S, Z = ([torch.zeros_like(m) for m in field] for field in (S, Z))
                y_t = x[b, t]
                for i, block in enumerate(memory.blocks):
                    y_t, S[i], Z[i] = _block(memory, block, y_t, S[i], Z[i])
                outputs.append(memory.output.weight @ y_t + memory.output.bias)
            rows.append(torch.stack(outputs))
            kept.append((torch.stack(S), torch.stack(Z)))
        S, Z = zip(*kept, strict=True)
        return torch.stack(rows), LinearAttentionState(torch.stack(S), torch.stack(Z))

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("aggregator_z", PUT)
@pytest.mark.parametrize("aggregator_s", PUT)
def test_it_equals_the_formula(
    assert_equals_reference, aggregator_s, aggregator_z, num_layers, starts
):
    torch.manual_seed(1)
    memory = LinearAttention(F, D * num_layers, aggregator_s, aggregator_z, num_layers)
    assert_equals_reference(memory, naive(memory), starts=starts)


def test_it_equals_the_formula_over_several_chunks_in_single_precision():
    torch.manual_seed(2)
    memory = LinearAttention(16, 64)
    x, start = torch.randn(4, 100, 16), torch.rand(4, 100) < 0.05
    with torch.no_grad():
        y, state = memory(x, memory.initial_state(4), start)
        y_naive, state_naive = naive(memory)(x, memory.initial_state(4), start)
    torch.testing.assert_close(y, y_naive, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(tuple(state), tuple(state_naive), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "hidden_size, num_layers, key_size", [(256, 1, 15), (256, 4, 7), (8, 1, 2), (8, 4, 1)]
)
def test_the_size_of_the_keys_follows_from_the_hidden_size(hidden_size, num_layers, key_size):
    memory = LinearAttention(F, hidden_size, num_layers=num_layers)
    K, L = key_size, num_layers
    assert [tuple(s.shape) for s in memory.initial_state(2)] == [(2, L, K, K), (2, L, K)]
    assert memory.receptive_field is None


def test_deep_means_four_blocks():
    assert DeepLinearAttention(F, 64).num_layers == len(DeepLinearAttention(F, 64).blocks) == 4


def test_autocast_keeps_the_state_in_the_parameters_dtype_and_agrees_with_float32():
    torch.manual_seed(3)
    memory = LinearAttention(16, 64)
    x, start = torch.randn(4, 40, 16), torch.rand(4, 40) < 0.1
    exact, _ = memory(x, memory.initial_state(4), start)
    for inputs in (x, x.bfloat16()):
        with torch.autocast(**CPU_BF16):
            y, state = memory(inputs, memory.initial_state(4), start)
            y_1, state_1 = memory(inputs[:, :1], memory.initial_state(4))
        assert {s.dtype for s in (*state, *state_1)} == {torch.float32}
        torch.testing.assert_close(y.float(), exact, rtol=0.05, atol=0.05)
        torch.testing.assert_close(y_1.float(), exact[:, :1], rtol=0.05, atol=0.05)
        assert torch.autograd.grad(y.float().sum(), memory.output.weight)[0].isfinite().all()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"S_aggregator": "mean"}, 'S_aggregator must be "sum" or "max", got \'mean\''),
        ({"Z_aggregator": None}, 'Z_aggregator must be "sum" or "max", got None'),
        ({"num_layers": 0}, "num_layers must be at least 1, got 0"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        LinearAttention(F, D, **options)
