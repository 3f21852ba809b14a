import math

import pytest
import torch

from popgym.memory import FFM, FFMState

T, F, D = 11, 4, 6


def naive(memory):
    """The equations, one row, one step, one trace and one context at a time."""
    m, c = memory.state_size, memory.context_size

    def sigmoid(a):
        return 1 / (1 + (-a).exp())

    def step(x, traces):
        a = memory.inputs.weight @ x + memory.inputs.bias
        v, g = a[:m] * sigmoid(a[m : 2 * m]), sigmoid(a[2 * m : 2 * m + D])
        around = a[2 * m + D :]
        pairs, after = [], []
        for j in range(m):
            for k in range(c):
                gamma = torch.exp(torch.complex(-memory.alpha[j].abs(), -memory.omega[k]))
                trace = gamma * traces[c * j + k] + v[j]
                after.append(trace)
                pairs += [trace.real, trace.imag]
        z = memory.mix.weight @ torch.stack(pairs) + memory.mix.bias
        z = (z - z.mean()) / (z.var(correction=0) + 1e-5).sqrt()
        return g * z + (1 - g) * around, torch.stack(after)

    def read(x, state, start):
        rows, kept = [], []
        for b in range(len(x)):
            traces, outputs = torch.complex(state.real[b], state.imag[b]), []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    traces = torch.zeros_like(traces)
                y, traces = step(x[b, t], traces)
                outputs.append(y)
            rows.append(torch.stack(outputs))
            kept.append(traces)
        last = torch.stack(kept)
        return torch.stack(rows), FFMState(last.real, last.imag)

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("m, c", [(3, 2), (1, 3), (4, 1)])
def test_it_equals_the_formula(assert_equals_reference, m, c, starts):
    torch.manual_seed(1)
    memory = FFM(F, D, state_size=m, context_size=c, max_period=20)
    assert_equals_reference(memory, naive(memory), starts=starts)


def test_the_sign_of_a_rate_does_not_matter(assert_equals_reference):
    torch.manual_seed(2)
    memory = FFM(F, D, state_size=3, context_size=2, max_period=20)
    with torch.no_grad():
        memory.alpha[1] *= -1
    assert_equals_reference(memory, naive(memory), starts=True)


def test_the_slowest_trace_keeps_a_hundredth_after_the_longest_period():
    memory = FFM(F, D, state_size=5, context_size=3, max_period=50)
    kept = (-50 * memory.alpha.abs()).exp()
    torch.testing.assert_close(kept[0], torch.tensor(0.01))
    assert (kept.diff() < 0).all()
    assert (kept > 0).all()
    periods = math.tau / memory.omega
    torch.testing.assert_close(periods, torch.tensor([1.0, 25.5, 50.0]))


def test_it_begins_with_the_rates_and_periods_of_the_authors_program():
    """From its formulas: the rates lie between ln 100 / 1024 and ln 1.797e308 / 1024 − 0.02."""
    memory = FFM(F, D)
    torch.testing.assert_close(memory.alpha[[0, -1]], torch.tensor([0.00449724, 0.67314718]))
    torch.testing.assert_close(memory.alpha.diff(), torch.full((31,), 0.02156935))
    periods = math.tau / memory.omega
    torch.testing.assert_close(periods, torch.tensor([1.0, 342.0, 683.0, 1024.0]))


def test_no_trace_fades_faster_than_a_short_longest_period_asks_for():
    memory = FFM(F, D, state_size=3, max_period=5)
    kept = (-5 * memory.alpha.abs()).exp()
    torch.testing.assert_close(kept, torch.full((3,), 0.01))


def test_rates_of_zero_over_many_steps_stay_finite():
    """An implementation with powers of γ⁻¹ would overflow once a rate has grown."""
    memory = FFM(F, D)
    x = torch.randn(1, 5000, F, generator=torch.Generator().manual_seed(0))
    for rate in (0.0, 5.0):
        with torch.no_grad():
            memory.alpha.fill_(rate)
            y, state = memory(x, memory.initial_state(1))
        assert all(part.isfinite().all() for part in (y, *state))


def test_its_state_is_a_pair_for_each_trace_and_context():
    memory = FFM(F, 256)
    assert memory.initial_state(3).real.shape == (3, 32 * 4)
    assert memory.state_numel == 256
    assert memory.receptive_field is None


def test_autocast_trains_and_agrees_with_float32(assert_trains_under_autocast):
    torch.manual_seed(3)
    memory = FFM(F, D)
    x, start = torch.randn(4, 20, F, requires_grad=True), torch.rand(4, 20) < 0.1
    assert_trains_under_autocast(memory, x, start)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"state_size": 0}, ValueError, "state_size must be at least 1, got 0"),
        ({"context_size": 0}, ValueError, "context_size must be at least 1, got 0"),
        ({"max_period": 0}, ValueError, "max_period must be at least 1, got 0"),
        ({"max_period": 10.0}, TypeError, "max_period must be an integer, got 10.0"),
    ],
)
def test_a_wrong_option_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        FFM(F, D, **options)
