import math

import pytest
import torch
from torch.nn.functional import softplus

from popgym.memory.models.mamba import Mamba, MambaState
from popgym.memory.ops.selective_scan import selective_scan
from popgym.memory.ops.step_size import initial_step_bias

F, D = 4, 6


def _silu(x):
    return x * torch.sigmoid(x)


def naive(memory):
    """The formulas, one row and one step at a time."""
    N, R = memory.state_size, memory.rank
    E = len(memory.skip)

    def step(x, past, h):
        u, z = (memory.input.weight @ x).split(E)
        window = [*past, u]
        taps = memory.conv.weight[:, 0].unbind(1)
        u = sum(w * frame for w, frame in zip(taps, window, strict=True)) + memory.conv.bias
        u = _silu(u)
        low, b, c = (memory.select.weight @ u).split([R, N, N])
        delta = softplus(memory.step.weight @ low + memory.step.bias)
        a = -torch.exp(memory.log_a)
        h = torch.exp(delta * a) * h + torch.outer(b, delta * u)
        y = (c @ h + memory.skip * u) * _silu(z)
        return memory.output.weight @ y, window[1:], h

    def read(x, state, start):
        rows, frames, states = [], [], []
        for b in range(len(x)):
            past, h, outputs = list(state.frames[b]), state.h[b], []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    past, h = [torch.zeros(E).to(x)] * len(past), torch.zeros_like(h)
                y_t, past, h = step(x[b, t], past, h)
                outputs.append(y_t)
            rows.append(torch.stack(outputs))
            frames.append(torch.stack(past) if past else x.new_zeros(0, E))
            states.append(h)
        return torch.stack(rows), MambaState(torch.stack(frames), torch.stack(states))

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("expand, state_size, window", [(1, 1, 1), (2, 3, 4)])
def test_it_equals_the_formula(assert_equals_reference, expand, state_size, window, starts):
    torch.manual_seed(1)
    memory = Mamba(F, D, expand, state_size, window)
    assert_equals_reference(memory, naive(memory), starts=starts)


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("block, states", [(3, 2), (1, 1), (4, 3)])
def test_it_equals_the_formula_in_blocks_of_any_length(
    monkeypatch, assert_equals_reference, block, states, starts
):
    monkeypatch.setattr("popgym.memory.models.mamba._BLOCK", block)
    monkeypatch.setattr("popgym.memory.ops.selective_scan._BLOCK", states)
    torch.manual_seed(4)
    memory = Mamba(F, D, expand=1, state_size=2, window=3)
    assert_equals_reference(memory, naive(memory), starts=starts)


def test_it_equals_the_formula_over_many_steps_in_single_precision():
    torch.manual_seed(2)
    memory = Mamba(16, 32)
    x, start = torch.randn(3, 100, 16), torch.rand(3, 100) < 0.05
    with torch.no_grad():
        y, state = memory(x, memory.initial_state(3), start)
        y_naive, state_naive = naive(memory)(x, memory.initial_state(3), start)
    torch.testing.assert_close(y, y_naive, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(tuple(state), tuple(state_naive), rtol=1e-3, atol=1e-5)


def test_a_step_of_zero_size_reads_without_remembering_or_forgetting():
    u, delta = torch.randn(2, 5, 3), torch.zeros(2, 5, 3)
    b, c, h = torch.randn(2, 5, 4), torch.ones(2, 5, 4), torch.randn(2, 4, 3)
    y, after = selective_scan(u, delta, -torch.rand(4, 3), b, c, h, None)
    assert torch.equal(after, h)
    torch.testing.assert_close(y, h.sum(1, keepdim=True).expand(2, 5, 3))


def test_the_rank_and_the_state_follow_from_the_hidden_size():
    memory = Mamba(128, 256)
    assert memory.rank == 16
    assert [tuple(s.shape) for s in memory.initial_state(2)] == [(2, 3, 512), (2, 16, 512)]
    assert memory.receptive_field is None


def test_steps_at_first_are_spread_evenly_in_their_logarithm():
    torch.manual_seed(0)
    steps = softplus(initial_step_bias(10_000)).log10()
    assert -3 - 1e-4 < steps.min() < -2.99
    assert -1.01 < steps.max() < -1 + 1e-4
    assert math.isclose(steps.mean(), -2, abs_tol=0.02)


def test_autocast_keeps_the_state_in_the_parameters_dtype_and_agrees_with_float32():
    torch.manual_seed(3)
    memory = Mamba(16, 64)
    x, start = torch.randn(4, 40, 16), torch.rand(4, 40) < 0.1
    exact, _ = memory(x, memory.initial_state(4), start)
    for inputs in (x, x.bfloat16()):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y, state = memory(inputs, memory.initial_state(4), start)
            y_1, state_1 = memory(inputs[:, :1], memory.initial_state(4))
        assert {s.dtype for s in (*state, *state_1)} == {torch.float32}
        torch.testing.assert_close(y.float(), exact, rtol=0.05, atol=0.02)
        torch.testing.assert_close(y_1.float(), exact[:, :1], rtol=0.05, atol=0.02)
        assert torch.autograd.grad(y.float().sum(), memory.log_a)[0].isfinite().all()


@pytest.mark.parametrize("option", ["expand", "state_size", "window"])
def test_a_size_that_does_not_fit_is_refused(option):
    with pytest.raises(ValueError, match=f"{option} must be at least 1, got 0"):
        Mamba(F, D, **{option: 0})
