"""Comparing a memory with a naive loop written from its formula, and with itself in bfloat16."""

import pytest
import torch

B, T = 3, 11


def _inputs(memory, seed=0):
    """Random x, a carried state and starts: none, some, two in a row, the first, the last."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(B, T, memory.input_size, generator=generator, dtype=torch.float64)
    state = type(memory.initial_state(B))(
        *(
            torch.randn(field.shape, generator=generator, dtype=torch.float64)
            for field in memory.initial_state(B)
        )
    )
    start = torch.zeros(B, T, dtype=torch.bool)
    start[1, [0, 4, 5]] = True
    start[2, [7, T - 1]] = True
    return x, state, start


def _results(function, parameters, x, state, start):
    """Outputs, last state, and the gradients of x, state and parameters for a fixed loss."""
    x = x.clone().requires_grad_()
    state = type(state)(*(field.clone().requires_grad_() for field in state))
    y, after = function(x, state, start)
    weights = torch.arange(1, y.numel() + 1, dtype=y.dtype).sin().view_as(y)
    loss = (y * weights).sum() + sum(field.square().sum() for field in after)
    wanted = [x, *state, *parameters]
    gradients = torch.autograd.grad(loss, wanted, allow_unused=True, materialize_grads=True)
    return [y, *after, *gradients]


@pytest.fixture
def assert_equals_reference():
    """Compare ``memory`` with the function ``reference`` in float64."""

    def compare(memory, reference, *, starts):
        memory = memory.double()
        x, state, start = _inputs(memory)
        start = start if starts else None
        parameters = list(memory.parameters())
        got = _results(memory, parameters, x, state, start)
        want = _results(reference, parameters, x, state, start)
        assert len(got) == len(want)
        for a, b in zip(got, want, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)

    return compare


@pytest.fixture
def assert_trains_under_autocast():
    """Compare ``memory`` under autocast with itself; its state keeps its types, and it learns."""

    def compare(memory, x, start, *, atol=0.05):
        initial = memory.initial_state(len(x))
        exact, _ = memory(x, initial, start)
        for inputs in (x, x.bfloat16()):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                y, state = memory(inputs, initial, start)
                y_1, state_1 = memory(inputs[:, :1], initial)
            wanted = [field.dtype for field in initial]
            assert torch.float32 in wanted
            assert [field.dtype for field in state] == wanted
            assert [field.dtype for field in state_1] == wanted
            torch.testing.assert_close(y.float(), exact, rtol=0.05, atol=atol)
            torch.testing.assert_close(y_1.float(), exact[:, :1], rtol=0.05, atol=atol)
            (gradient,) = torch.autograd.grad(y.float().sum(), [x])
            assert gradient.isfinite().all()

    return compare
