import pytest
import torch
from torch.nn.functional import softplus

from popgym.memory.models.gated_delta_net import GatedDeltaNet, GatedDeltaNetState

F, D = 4, 7


def _silu(x):
    return x * torch.sigmoid(x)


def _unit(x):
    return x / torch.sqrt((x * x).sum() + 1e-6)


def naive(memory):
    """The formulas, one row, one step and one head at a time."""
    H, K = memory.num_heads, memory.key_size

    def step(x, past, states):
        window = [*past, memory.qkv.weight @ x]
        taps = memory.conv.weight[:, 0].unbind(1)
        mixed = _silu(sum(w * frame for w, frame in zip(taps, window, strict=True)))
        rates = memory.rates.weight @ x
        S, reads = list(states), []
        for h in range(H):
            q, k, v = (mixed[(i * H + h) * K : (i * H + h + 1) * K] for i in range(3))
            q, k = _unit(q), _unit(k)
            beta = torch.sigmoid(rates[h])
            speed = softplus(rates[H + h] + memory.decay_bias[h])
            alpha = torch.exp(-torch.exp(memory.log_decay[h]) * speed)
            S[h] = alpha * (torch.eye(K).to(x) - beta * torch.outer(k, k)) @ S[h]
            S[h] = S[h] + beta * torch.outer(k, v)
            o = q @ S[h]
            reads.append(o / torch.sqrt((o * o).mean() + 1e-5) * memory.norm.weight)
        y = memory.output.weight @ (torch.cat(reads) * _silu(memory.gate.weight @ x))
        return y, window[1:], S

    def read(x, state, start):
        rows, frames, matrices = [], [], []
        for b in range(len(x)):
            past, S, outputs = list(state.frames[b]), list(state.S[b]), []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    past, S = ([torch.zeros_like(y) for y in field] for field in (past, S))
                y_t, past, S = step(x[b, t], past, S)
                outputs.append(y_t)
            rows.append(torch.stack(outputs))
            frames.append(torch.stack(past) if past else x.new_zeros(0, 3 * H * K))
            matrices.append(torch.stack(S))
        return torch.stack(rows), GatedDeltaNetState(torch.stack(frames), torch.stack(matrices))

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("num_heads, key_size, window", [(1, 3, 1), (2, 3, 4), (3, 1, 2)])
def test_it_equals_the_formula(assert_equals_reference, num_heads, key_size, window, starts):
    torch.manual_seed(1)
    memory = GatedDeltaNet(F, D, num_heads, key_size, window)
    assert_equals_reference(memory, naive(memory), starts=starts)


def test_it_equals_the_formula_over_several_chunks_in_single_precision():
    torch.manual_seed(2)
    memory = GatedDeltaNet(16, 32, num_heads=2, key_size=8)
    x, start = torch.randn(3, 100, 16), torch.rand(3, 100) < 0.05
    with torch.no_grad():
        y, state = memory(x, memory.initial_state(3), start)
        y_naive, state_naive = naive(memory)(x, memory.initial_state(3), start)
    torch.testing.assert_close(y, y_naive, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(tuple(state), tuple(state_naive), rtol=1e-3, atol=1e-4)


def test_inputs_of_zero_give_gradients_of_moderate_size():
    memory = GatedDeltaNet(F, D)
    x = torch.zeros(1, 3, F, requires_grad=True)
    y, _ = memory(x, memory.initial_state(1))
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert not y.any()
    assert gradient.abs().max() < 10


def test_at_first_it_forgets_over_tens_to_thousands_of_steps():
    torch.manual_seed(0)
    memory = GatedDeltaNet(F, D, num_heads=100)
    _, log_alpha = memory._rates(torch.zeros(1, 1, F), torch.float32)
    steps = -1 / log_alpha
    assert steps.min() > 0.6  # a rate of 16, a step of .1
    assert steps.max() < 1001  # a rate of 1, a step of .001


def test_autocast_keeps_the_state_in_the_parameters_dtype_and_agrees_with_float32():
    torch.manual_seed(3)
    memory = GatedDeltaNet(16, 64)
    x, start = torch.randn(4, 40, 16), torch.rand(4, 40) < 0.1
    exact, _ = memory(x, memory.initial_state(4), start)
    for inputs in (x, x.bfloat16()):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y, state = memory(inputs, memory.initial_state(4), start)
            y_1, state_1 = memory(inputs[:, :1], memory.initial_state(4))
        assert {s.dtype for s in (*state, *state_1)} == {torch.float32}
        torch.testing.assert_close(y.float(), exact, rtol=0.1, atol=0.1)
        torch.testing.assert_close(y_1.float(), exact[:, :1], rtol=0.1, atol=0.1)


@pytest.mark.parametrize("option", ["num_heads", "key_size", "window"])
def test_a_size_that_does_not_fit_is_refused(option):
    with pytest.raises(ValueError, match=f"{option} must be at least 1, got 0"):
        GatedDeltaNet(F, D, **{option: 0})
