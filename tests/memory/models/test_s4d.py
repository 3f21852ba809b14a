import math

import pytest
import torch
from torch.nn import functional

from popgym.memory.models.s4d import S4D, S4DState

F, D = 4, 17  # 2 complex states in each channel


def naive(memory):
    """The recurrence, one row, one step, one channel at a time, in complex numbers."""

    def channel(d, u, s):
        delta = memory.log_dt[d].exp()
        A = torch.complex(-memory.log_decay[d].exp(), memory.frequency[d])
        B, C = (torch.complex(*w[d].unbind(-1)) for w in (memory.B, memory.C))
        s = torch.exp(delta * A) * s + (torch.exp(delta * A) - 1) / A * B * u
        return 2 * (C * s).sum().real + memory.skip[d] * u, s

    def read(x, state, start):
        rows, kept = [], []
        for b in range(len(x)):
            s, outputs = list(torch.complex(state.real[b], state.imag[b])), []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    s = [torch.zeros_like(s_d) for s_d in s]
                u = memory.input.weight @ x[b, t] + memory.input.bias
                y, s = zip(*(channel(d, u[d], s[d]) for d in range(len(s))), strict=True)
                out = memory.output.weight @ functional.gelu(torch.stack(y)) + memory.output.bias
                value, gate = out.chunk(2)
                outputs.append(value * torch.sigmoid(gate))
            rows.append(torch.stack(outputs))
            kept.append(torch.stack(s))
        s = torch.stack(kept)
        return torch.stack(rows), S4DState(s.real, s.imag)

    return read


@pytest.mark.parametrize("starts", [False, True])
def test_it_equals_the_formula(assert_equals_reference, starts):
    torch.manual_seed(1)
    memory = S4D(F, D)
    assert_equals_reference(memory, naive(memory), starts=starts)


@pytest.mark.parametrize("steps", [33, 64, 97])
def test_it_equals_the_formula_over_several_chunks_in_single_precision(steps):
    torch.manual_seed(2)
    memory = S4D(F, D, dt_max=1.0)
    state = S4DState(torch.randn(3, D, 2), torch.randn(3, D, 2))
    x, start = torch.randn(3, steps, F), torch.rand(3, steps) < 0.05
    start[0] = False
    with torch.no_grad():
        y, after = memory(x, state, start)
        y_naive, after_naive = naive(memory)(x, state, start)
    torch.testing.assert_close(y, y_naive, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(tuple(after), tuple(after_naive), rtol=1e-4, atol=1e-5)


def test_acting_and_learning_agree_after_a_step_of_the_optimizer():
    """The original prepared its step once, and acted with the weights of then."""
    torch.manual_seed(3)
    memory, x = S4D(F, D), torch.randn(2, 40, F)
    memory(x[:, :1], memory.initial_state(2))
    optimizer = torch.optim.Adam(memory.parameters(), lr=0.05)
    memory(x, memory.initial_state(2))[0].square().sum().backward()
    optimizer.step()
    learned, _ = memory(x, memory.initial_state(2))
    state, acted = memory.initial_state(2), []
    for t in range(40):
        y_t, state = memory(x[:, t : t + 1], state)
        acted.append(y_t)
    torch.testing.assert_close(torch.cat(acted, 1), learned, rtol=1e-4, atol=1e-5)


def test_it_begins_as_s4d_lin():
    memory = S4D(F, 256)
    assert memory.frequency.shape == (256, 8)
    torch.testing.assert_close(memory.frequency[3], math.pi * torch.arange(8.0))
    torch.testing.assert_close(memory.log_decay.exp(), torch.full((256, 8), 0.5))
    dt = memory.log_dt.exp()
    assert 0.001 <= dt.min() < 0.002
    assert 0.05 < dt.max() <= 0.1
    assert memory.state_numel == 2 * 256 * 8
    assert memory.receptive_field is None


def test_autocast_keeps_the_state_in_the_parameters_dtype_and_agrees_with_float32():
    torch.manual_seed(4)
    memory = S4D(16, 32)
    x, start = torch.randn(4, 40, 16), torch.rand(4, 40) < 0.1
    exact, _ = memory(x, memory.initial_state(4), start)
    for inputs in (x, x.bfloat16()):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y, state = memory(inputs, memory.initial_state(4), start)
        assert state.real.dtype == state.imag.dtype == torch.float32
        torch.testing.assert_close(y.float(), exact, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("dt_min, dt_max", [(0.0, 0.1), (0.2, 0.1), (0.1, math.inf)])
def test_step_sizes_that_do_not_fit_are_refused(dt_min, dt_max):
    with pytest.raises(ValueError, match=f"must hold, got {dt_min} and {dt_max}"):
        S4D(F, D, dt_min=dt_min, dt_max=dt_max)
