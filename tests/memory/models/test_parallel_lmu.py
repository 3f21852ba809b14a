import pytest
import torch

from popgym.memory import LMU, ParallelLMU, ParallelLMUState
from popgym.memory.ops.legendre import delay

T, F, D = 11, 4, 5


def naive(memory):
    """The three equations, one row, one step and one channel at a time."""

    def read(x, state, start):
        rows, kept = [], []
        for b in range(len(x)):
            m, outputs = list(state.memory[b]), []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    m = [torch.zeros_like(m_c) for m_c in m]
                u = memory.signals.weight @ x[b, t] + memory.signals.bias
                m = [memory.A @ m_c + memory.B * u_c for m_c, u_c in zip(m, u, strict=True)]
                inputs = torch.cat([*m, x[b, t]])
                outputs.append((memory.output.weight @ inputs + memory.output.bias).clamp(min=0))
            rows.append(torch.stack(outputs))
            kept.append(torch.stack(m))
        return torch.stack(rows), ParallelLMUState(torch.stack(kept))

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize(
    "options", [{}, {"theta": 3, "channels": 1, "state_size": 5}, {"state_size": 1}]
)
def test_it_equals_the_formula(assert_equals_reference, options, starts):
    torch.manual_seed(1)
    memory = ParallelLMU(F, D, **{"theta": 7, "channels": 3, "state_size": 4, **options})
    assert_equals_reference(memory, naive(memory), starts=starts)


def test_it_equals_the_formula_over_several_chunks_in_single_precision():
    torch.manual_seed(2)
    memory = ParallelLMU(16, 24)
    x, start = torch.randn(4, 300, 16), torch.rand(4, 300) < 0.02
    for starts in (None, start):
        with torch.no_grad():
            y, state = memory(x, memory.initial_state(4), starts)
            y_naive, state_naive = naive(memory)(x, memory.initial_state(4), starts)
        torch.testing.assert_close(y, y_naive, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(state.memory, state_naive.memory, rtol=1e-4, atol=1e-4)


def test_the_memory_is_that_of_an_lmu_without_feedback():
    torch.manual_seed(3)
    ours = ParallelLMU(F, D, theta=9, channels=1, state_size=6)
    lmu = LMU(F, D, theta=9, memory_size=6)
    with torch.no_grad():
        ours.signals.bias.zero_()
        lmu.e_x.copy_(ours.signals.weight[0])
        lmu.e_h.zero_()
    x = torch.randn(2, 40, F)
    _, state = ours(x, ours.initial_state(2))
    _, state_lmu = lmu(x, lmu.initial_state(2))
    torch.testing.assert_close(state.memory.squeeze(1), state_lmu.memory, rtol=1e-4, atol=1e-5)


def test_the_coefficients_are_those_of_the_inputs_within_the_window():
    """uₜ₋ₛ = Σᵢ Pᵢ(2s/θ − 1) mᵢ: a slow signal can be read back."""
    theta, steps, delays = 20, 100, torch.tensor([2, 5, 10, 15, 18])
    memory = ParallelLMU(1, 1, theta=theta, channels=1, state_size=8).double()
    with torch.no_grad():
        memory.signals.weight.fill_(1)
        memory.signals.bias.zero_()
    signal = torch.sin(torch.arange(steps, dtype=torch.float64) / 8)
    _, state = memory(signal.view(1, -1, 1), memory.initial_state(1))
    s = (delays.double() + 0.5) * 2 / theta - 1  # an input is held during its step
    polynomials = torch.stack([torch.special.legendre_polynomial_p(s, n) for n in range(8)])
    read = state.memory[0, 0] @ polynomials
    torch.testing.assert_close(read, signal[steps - 1 - delays], atol=0.02, rtol=0)


def test_the_matrices_are_those_of_the_delay_and_do_not_learn():
    memory = ParallelLMU(F, D, theta=9, state_size=6)
    for buffer, matrix in zip((memory.A, memory.B), delay(6, 9), strict=True):
        torch.testing.assert_close(buffer, matrix.float())
    assert not {"A", "B"} & set(dict(memory.named_parameters()))


def test_autocast_trains_and_agrees_with_float32(assert_trains_under_autocast):
    torch.manual_seed(4)
    memory = ParallelLMU(F, D)
    x, start = torch.randn(4, 70, F, requires_grad=True), torch.rand(4, 70) < 0.1
    assert_trains_under_autocast(memory, x, start)


def test_it_has_no_bound_to_what_it_sees():
    assert ParallelLMU(F, D).receptive_field is None
    assert ParallelLMU(F, D, channels=3, state_size=7).state_numel == 21


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"theta": 0}, ValueError, "theta must be a number of steps above 0, got 0"),
        ({"theta": "64"}, TypeError, "theta must be a number, got '64'"),
        ({"channels": 0}, ValueError, "channels must be at least 1, got 0"),
        ({"state_size": 2.0}, TypeError, "state_size must be an integer, got 2.0"),
    ],
)
def test_a_wrong_option_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        ParallelLMU(F, D, **options)
