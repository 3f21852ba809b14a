import pytest
import torch

from popgym.memory import MLP, MLPState

T, F = 11, 4


def naive(memory):
    """Two layers with a slope of .01 below zero, one step and one row at a time."""

    def phi(a):
        return torch.maximum(a, 0.01 * a)

    def read(x, state, start):
        def output(x_t):
            inner = phi(memory.hidden.weight @ x_t + memory.hidden.bias)
            return phi(memory.output.weight @ inner + memory.output.bias)

        return torch.stack([torch.stack([output(x_t) for x_t in row]) for row in x]), MLPState()

    return read


@pytest.mark.parametrize("starts", [False, True])
def test_it_equals_the_formula(assert_equals_reference, starts):
    torch.manual_seed(1)
    memory = MLP(F, 7)
    assert_equals_reference(memory, naive(memory), starts=starts)


def test_it_keeps_nothing():
    memory = MLP(F, 7)
    assert memory.initial_state(5) == ()
    assert memory.state_numel == 0
    assert memory.receptive_field == 1


def test_an_output_depends_on_its_own_input_alone():
    memory = MLP(F, 7).double()
    x = torch.randn(2, T, F, dtype=torch.float64)
    other = x.clone()
    other[:, 3] += 1
    y, y_other = memory(x, MLPState())[0], memory(other, MLPState())[0]
    changed = (y != y_other).any(2)
    assert changed[:, 3].all()
    assert changed.sum() == 2


def test_autocast_works():
    memory = MLP(F, 7)
    x = torch.randn(2, T, F)
    exact, _ = memory(x, MLPState())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, _ = memory(x, MLPState())
    torch.testing.assert_close(y.float(), exact, rtol=0.05, atol=0.05)
