"""What all networks on the shared recurrence have in common; each has its own reference besides."""

import pytest
import torch

from popgym.memory import make_memory

B, T, F, D = 20, 60, 3, 4
NAMES = ["elman", "gru", "lstm", "slstm", "indrnn"]


def _inputs(starts):
    """More steps of more rows than one block holds; some rows are one episode, some many."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(B, T, F, generator=generator, dtype=torch.float64, requires_grad=True)
    chance = torch.linspace(0, starts, B).unsqueeze(1)
    start = torch.rand(B, T, generator=generator) < chance
    return x, start


def _alone(memory, x, state, start):
    """Every episode of every row in a call of its own."""
    outputs, kept = [], []
    for row in range(B):
        begins = [0, *(t for t in range(1, T) if start[row, t])]
        after = type(state)(*(field[row : row + 1] for field in state))
        parts = []
        for begin, end in zip(begins, [*begins[1:], T], strict=True):
            if start[row, begin]:
                after = memory.initial_state(1)
            y, after = memory(x[row : row + 1, begin:end], after)
            parts.append(y)
        outputs.append(torch.cat(parts, 1))
        kept.append(after)
    return torch.cat(outputs), type(state)(*map(torch.cat, zip(*kept, strict=True)))


def _results(read, memory, x, state, start):
    y, after = read(x, state, start)
    weights = torch.arange(1, y.numel() + 1, dtype=y.dtype).sin().view_as(y)
    loss = (y * weights).sum() + sum(field.square().sum() for field in after)
    return [y, *after, *torch.autograd.grad(loss, [x, *state, *memory.parameters()])]


@pytest.mark.parametrize("starts", [0.03, 0.6])
@pytest.mark.parametrize("name", NAMES)
def test_episodes_in_one_call_are_what_each_is_alone_gradients_included(name, starts):
    torch.manual_seed(1)
    memory = make_memory(name, F, D).double()
    x, start = _inputs(starts)
    _, state = memory(torch.randn(B, 5, F, dtype=torch.float64), memory.initial_state(B))
    state = type(state)(*(field.detach().requires_grad_() for field in state))
    got = _results(memory, memory, x, state, start)
    want = _results(lambda *call: _alone(memory, *call), memory, x, state, start)
    torch.testing.assert_close(got, want)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_can_be_taken_twice_of_one_call(name):
    """What is computed in reused space must not be what was returned before."""
    torch.manual_seed(2)
    memory = make_memory(name, F, D)
    x = torch.randn(B, T, F, requires_grad=True)
    y, _ = memory(x, memory.initial_state(B))
    wanted = [x, *memory.parameters()]
    first = torch.autograd.grad(y.square().sum(), wanted, retain_graph=True)
    kept = [gradient.clone() for gradient in first]
    second = torch.autograd.grad(y.square().sum(), wanted)
    assert all(map(torch.equal, first, kept))
    torch.testing.assert_close(second, tuple(kept))


@pytest.mark.parametrize("name", ["gru", "lstm", "indrnn"])
def test_narrow_inputs_under_autocast_leave_the_recurrence_in_the_precision_of_its_state(name):
    torch.manual_seed(3)
    memory = make_memory(name, F, D)
    x, start = torch.randn(4, 300, F, requires_grad=True), torch.rand(4, 300) < 0.01
    exact, _ = memory(x, memory.initial_state(4), start)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, state = memory(x, memory.initial_state(4), start)
    assert y.dtype == torch.float32
    assert all(field.dtype == torch.float32 for field in state)
    torch.testing.assert_close(y, exact, rtol=0.05, atol=0.05)
    wanted = [x, *memory.parameters()]
    got = torch.autograd.grad(y.mean(), wanted)
    want = torch.autograd.grad(exact.mean(), wanted)
    for one, other in zip(got, want, strict=True):
        assert (one - other).norm() < 0.05 * other.norm()
