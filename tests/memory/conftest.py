"""Comparing a memory with a naive loop written from its formula, gradients included."""

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
