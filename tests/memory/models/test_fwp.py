import pytest
import torch
from torch.nn import functional

from popgym.memory.models.fwp import (
    DeepFastWeightProgrammer,
    FastWeightProgrammer,
    FastWeightState,
)

F, D = 4, 20
PUT = {"sum": torch.add, "max": torch.maximum}


def _feature_map(memory, a):
    a = torch.relu(a)
    return a / (1e-5 + a.sum()) if memory.sum_normalization else a


def _block(memory, block, x, s):
    """One step x [F] of one block: its output and s."""
    x = functional.layer_norm(x, x.shape, block.norm.weight, block.norm.bias)
    w_q, w_k, w_v, w_s = block.project.weight.chunk(4)
    q, k = _feature_map(memory, w_q @ x), _feature_map(memory, w_k @ x)
    s = PUT[memory.aggregator](s, torch.outer(k, w_v @ x))
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
                    y_t, S[i] = _block(memory, block, y_t, S[i])
                outputs.append(memory.output.weight @ y_t + memory.output.bias)
            rows.append(torch.stack(outputs))
            kept.append(torch.stack(S))
        return torch.stack(rows), FastWeightState(torch.stack(kept))

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("sum_normalization", [False, True])
@pytest.mark.parametrize("aggregator", PUT)
def test_it_equals_the_formula(
    assert_equals_reference, aggregator, sum_normalization, num_layers, starts
):
    torch.manual_seed(1)
    memory = FastWeightProgrammer(F, D * num_layers, aggregator, sum_normalization, num_layers)
    assert_equals_reference(memory, naive(memory), starts=starts)


def test_it_equals_the_formula_over_several_chunks_in_single_precision():
    torch.manual_seed(2)
    memory = FastWeightProgrammer(16, 64)
    x, start = torch.randn(4, 100, 16), torch.rand(4, 100) < 0.05
    with torch.no_grad():
        y, state = memory(x, memory.initial_state(4), start)
        y_naive, state_naive = naive(memory)(x, memory.initial_state(4), start)
    torch.testing.assert_close(y, y_naive, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(state.S, state_naive.S, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "hidden_size, num_layers, key_size",
    [(256, 1, 16), (256, 4, 8), (8, 1, 3), (8, 4, 1), (2, 4, 1)],
)
def test_the_size_of_the_keys_follows_from_the_hidden_size(hidden_size, num_layers, key_size):
    memory = FastWeightProgrammer(F, hidden_size, num_layers=num_layers)
    assert memory.initial_state(2).S.shape == (2, num_layers, key_size, key_size)
    assert memory.receptive_field is None


def test_deep_means_four_blocks():
    assert DeepFastWeightProgrammer(F, 64).num_layers == 4
    assert len(DeepFastWeightProgrammer(F, 64).blocks) == 4


def test_a_query_without_positive_features_reads_nothing():
    memory = FastWeightProgrammer(F, D)
    q, k, v = -torch.ones(2, 5, 4), torch.rand(2, 5, 4), torch.randn(2, 5, 4)
    read, _ = memory.attend(q, k, v, (torch.zeros(2, 4, 4),), None)
    assert not read.any()


def test_autocast_keeps_the_state_in_the_parameters_dtype_and_agrees_with_float32():
    torch.manual_seed(3)
    memory = FastWeightProgrammer(16, 64)
    x, start = torch.randn(4, 40, 16), torch.rand(4, 40) < 0.1
    exact, _ = memory(x, memory.initial_state(4), start)
    for inputs in (x, x.bfloat16()):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y, state = memory(inputs, memory.initial_state(4), start)
        assert state.S.dtype == torch.float32
        torch.testing.assert_close(y.float(), exact, rtol=0.05, atol=0.05)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"aggregator": "mean"}, ValueError, 'aggregator must be "sum" or "max", got \'mean\''),
        ({"sum_normalization": 1}, TypeError, "sum_normalization must be a bool, got 1"),
        ({"num_layers": 0}, ValueError, "num_layers must be at least 1, got 0"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        FastWeightProgrammer(F, D, **options)
