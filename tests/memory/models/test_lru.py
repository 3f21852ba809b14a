import math

import pytest
import torch

from popgym.memory import LRU, LRUState

T, F, D = 11, 4, 6


def naive(memory):
    """The two equations in complex numbers, one row and one step at a time."""

    def read(x, state, start):
        lam = torch.exp(torch.complex(-memory.nu.exp(), memory.theta.exp()))
        gamma = memory.log_gamma.exp()
        B = torch.complex(memory.B[:, 0], memory.B[:, 1])
        C = torch.complex(memory.C[..., 0], -memory.C[..., 1])
        rows, kept = [], []
        for b in range(len(x)):
            h, outputs = torch.complex(state.real[b], state.imag[b]), []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    h = torch.zeros_like(h)
                h = lam * h + gamma * (B @ x[b, t].to(B.dtype))
                outputs.append((C @ h).real + memory.D @ x[b, t])
            rows.append(torch.stack(outputs))
            kept.append(h)
        last = torch.stack(kept)
        return torch.stack(rows), LRUState(last.real, last.imag)

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("options", [{}, {"state_size": 1}, {"state_size": 9, "r_min": 0.0}])
def test_it_equals_the_formula(assert_equals_reference, options, starts):
    torch.manual_seed(1)
    memory = LRU(F, D, **options)
    assert_equals_reference(memory, naive(memory), starts=starts)


def test_eigenvalues_begin_uniformly_on_the_ring():
    torch.manual_seed(2)
    memory = LRU(F, D, state_size=4000, r_min=0.4, r_max=0.8, max_phase=1.0)
    modulus, phase = (-memory.nu.exp()).exp(), memory.theta.exp()
    assert 0.4 <= modulus.min() < 0.41
    assert 0.79 < modulus.max() <= 0.8
    assert 0 < phase.min() < 0.01
    assert 0.99 < phase.max() <= 1.0
    # half of a ring's area lies within the root mean square of its two radii
    inner = (modulus < math.sqrt((0.4**2 + 0.8**2) / 2)).float().mean()
    assert 0.47 < inner < 0.53
    assert 0.47 < (phase < 0.5).float().mean() < 0.53


def test_states_are_as_large_as_inputs_at_first():
    """γ makes the variance of a state that of B x, for white inputs."""
    torch.manual_seed(3)
    memory = LRU(F, D, state_size=64, r_min=0.5, r_max=0.9)
    _, state = memory(torch.randn(2000, 100, F), memory.initial_state(2000))
    power = (state.real**2 + state.imag**2).mean(0)
    drive = memory.B.square().sum((1, 2))
    torch.testing.assert_close(power, drive, rtol=0.2, atol=0.0)


def test_every_draw_gives_finite_parameters_also_on_the_full_disc():
    torch.manual_seed(4)
    memory = LRU(F, D, state_size=100_000)
    assert all(p.isfinite().all() for p in memory.parameters())
    assert (-memory.nu.exp()).exp().max() < 1


def test_no_parameter_makes_it_grow_without_bound():
    memory = LRU(F, D)
    with torch.no_grad():
        memory.nu.fill_(-30.0)  # |λ| = 1 in float32
        memory.theta.fill_(0.0)
        y, state = memory(torch.ones(1, 5000, F), memory.initial_state(1))
    assert y.isfinite().all()
    assert max(part.abs().max() for part in state) < 5000 * memory.B.abs().sum()


def test_its_states_are_half_of_its_outputs():
    assert LRU(F, 256).state_numel == 256
    assert LRU(F, 1).state_size == 1
    assert LRU(F, D, state_size=7).initial_state(3).real.shape == (3, 7)
    assert LRU(F, D).receptive_field is None


def test_autocast_trains_and_agrees_with_float32(assert_trains_under_autocast):
    torch.manual_seed(5)
    memory = LRU(F, D)
    x, start = torch.randn(4, 20, F, requires_grad=True), torch.rand(4, 20) < 0.1
    assert_trains_under_autocast(memory, x, start, atol=0.1)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"state_size": 0}, ValueError, "state_size must be at least 1, got 0"),
        ({"state_size": 2.0}, TypeError, "state_size must be an integer, got 2.0"),
        ({"r_min": -0.1}, ValueError, "0 <= r_min < r_max <= 1 must hold, got -0.1 and 1.0"),
        ({"r_max": 0.9}, ValueError, "got 0.9 and 0.9"),
        ({"r_max": 1.1}, ValueError, "got 0.9 and 1.1"),
        ({"max_phase": 0}, ValueError, "max_phase must be above 0 and at most 2π, got 0"),
        ({"max_phase": 7.0}, ValueError, "got 7.0"),
    ],
)
def test_a_wrong_option_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        LRU(F, D, **options)
