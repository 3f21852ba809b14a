import math

import pytest
import torch
from torch.nn import functional

from popgym.memory import S5, S5State
from popgym.memory.ops.hippo import hippo_eigenvectors, hippo_normal

T, F, D = 11, 4, 6


def naive(memory):
    """The equations in complex numbers, one row and one step at a time."""

    def read(x, state, start):
        Lambda = torch.complex(-memory.log_decay.exp(), memory.frequency)
        decay = (memory.log_dt.exp() * Lambda).exp()
        B = torch.complex(memory.B[:, 0], memory.B[:, 1])
        C = torch.complex(memory.C[..., 0], -memory.C[..., 1])
        rows, kept = [], []
        for b in range(len(x)):
            s, outputs = torch.complex(state.real[b], state.imag[b]), []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    s = torch.zeros_like(s)
                s = decay * s + (decay - 1) / Lambda * (B @ x[b, t].to(B.dtype))
                u = functional.gelu(2 * (C @ s).real + memory.D @ x[b, t])
                gate = memory.gate.weight @ u + memory.gate.bias
                outputs.append(u / (1 + (-gate).exp()))
            rows.append(torch.stack(outputs))
            kept.append(s)
        last = torch.stack(kept)
        return torch.stack(rows), S5State(last.real, last.imag)

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize(
    "options", [{}, {"state_size": 1, "blocks": 1}, {"state_size": 6, "blocks": 2, "dt_max": 1.0}]
)
def test_it_equals_the_formula(assert_equals_reference, options, starts):
    torch.manual_seed(1)
    memory = S5(F, D, **options)
    assert_equals_reference(memory, naive(memory), starts=starts)


@pytest.mark.parametrize("blocks", [1, 3])
def test_it_begins_as_the_real_hippo_system_under_a_zero_order_hold(blocks):
    """ds/dt = A s + B x, the inputs held for Δ, with real matrices and the matrix exponential."""
    torch.manual_seed(2)
    dt, size = 0.05, 4
    memory = S5(F, D, size // 2 * blocks, blocks=blocks, dt_min=dt, dt_max=dt).double()
    with torch.no_grad():
        memory.log_dt.fill_(math.log(dt))  # not rounded to float32
        memory.log_decay.fill_(math.log(0.5))
        eigenvalues, vectors = hippo_eigenvectors(size)
        memory.frequency.copy_(eigenvalues.imag.repeat(blocks))
    A = torch.block_diag(*[hippo_normal(size)] * blocks)
    V = torch.block_diag(*[vectors] * blocks)
    B = 2 * (V @ torch.complex(memory.B[:, 0], memory.B[:, 1])).real
    C = 2 * (torch.complex(memory.C[..., 0], -memory.C[..., 1]) @ V.mH).real
    A_held = torch.linalg.matrix_exp(dt * A)
    B_held = torch.linalg.solve(A, (A_held - torch.eye(len(A))) @ B)
    x = torch.randn(T, F, dtype=torch.float64)
    s, want = torch.zeros(len(A), dtype=torch.float64), []
    for x_t in x:
        s = A_held @ s + B_held @ x_t
        u = functional.gelu(C @ s + memory.D @ x_t)
        want.append(u * memory.gate(u).sigmoid())
    y, _ = memory(x.unsqueeze(0), memory.initial_state(1))
    torch.testing.assert_close(y[0], torch.stack(want))


def test_a_block_begins_with_the_same_eigenvalues_as_the_others():
    memory = S5(F, D, state_size=12, blocks=3)
    for parameter in (memory.log_decay, memory.frequency):
        first, *others = parameter.chunk(3)
        assert all(torch.equal(first, other) for other in others)
    torch.testing.assert_close(memory.log_decay.exp(), torch.full((12,), 0.5))


def test_step_sizes_begin_on_a_logarithmic_scale_between_the_bounds():
    torch.manual_seed(3)
    dt = S5(F, D, state_size=4000, blocks=1000, dt_min=0.001, dt_max=0.1).log_dt.exp()
    assert 0.001 <= dt.min() < 0.0011
    assert 0.09 < dt.max() <= 0.1001
    assert 0.47 < (dt < 0.01).float().mean() < 0.53


def test_a_tiny_step_loses_no_digits_in_float32():
    torch.manual_seed(4)
    memory = S5(F, D, state_size=4, blocks=4, dt_min=1e-6, dt_max=1e-6)
    single = [part.detach().double() for part in memory._discretize()]
    exact = memory.double()._discretize()
    torch.testing.assert_close(single[2], exact[2], rtol=1e-5, atol=0.0)


def test_no_parameter_makes_it_unstable():
    memory = S5(F, D)
    with torch.no_grad():
        memory.log_decay.fill_(-20.0)
        memory.log_dt.fill_(3.0)
        y, state = memory(torch.randn(1, 5000, F), memory.initial_state(1))
    assert all(part.isfinite().all() for part in (y, *state))


@pytest.mark.parametrize(
    "hidden_size, blocks, state_size", [(256, 8, 128), (10, 8, 8), (1, 1, 1), (40, 3, 21)]
)
def test_its_states_are_about_half_of_its_outputs(hidden_size, blocks, state_size):
    memory = S5(F, hidden_size, blocks=blocks)
    assert memory.initial_state(3).real.shape == (3, state_size)
    assert memory.state_numel == 2 * state_size
    assert memory.receptive_field is None


def test_autocast_trains_and_agrees_with_float32(assert_trains_under_autocast):
    torch.manual_seed(5)
    memory = S5(F, D)
    x, start = torch.randn(4, 20, F, requires_grad=True), torch.rand(4, 20) < 0.1
    assert_trains_under_autocast(memory, x, start)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"state_size": 0}, ValueError, "state_size must be at least 1, got 0"),
        ({"state_size": 12}, ValueError, "a multiple of blocks = 8, got 12"),
        ({"blocks": 0}, ValueError, "blocks must be at least 1, got 0"),
        ({"blocks": 1.5}, TypeError, "blocks must be an integer, got 1.5"),
        ({"dt_min": 0}, ValueError, "0 < dt_min <= dt_max must hold, got 0 and 0.1"),
        ({"dt_min": 0.2}, ValueError, "got 0.2 and 0.1"),
    ],
)
def test_a_wrong_option_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        S5(F, D, **options)
