"""A second derivative is right or refused, never silently wrong."""

import pytest
import torch

from popgym.memory import MEMORIES, make_memory

B, T, F, D = 2, 37, 3, 8

WITHOUT_LOOPS = ["delta_net", "diffnc", "frameconv", "framestack", "gtrxl", "mlp", "mlstm", "tcn"]
"""Memories of which autograd computes the gradient."""


def _squared_gradient(memory, x, start, create_graph=False):
    y, _ = memory(x, memory.initial_state(B), start)
    (gradient,) = torch.autograd.grad(y.sin().sum(), x, create_graph=create_graph)
    return gradient.square().sum()


def _trial(name):
    torch.manual_seed(0)
    memory = make_memory(name, F, D).double()
    x = torch.randn(B, T, F, dtype=torch.float64, requires_grad=True)
    start = torch.rand(B, T) < 0.1
    return memory, x, start


@pytest.mark.parametrize("name", MEMORIES)
def test_a_second_derivative_is_right_or_refused(name):
    memory, x, start = _trial(name)
    try:
        penalty = _squared_gradient(memory, x, start, create_graph=True)
    except RuntimeError as error:
        assert name not in WITHOUT_LOOPS
        assert "no second derivatives" in str(error)
        return
    (second,) = torch.autograd.grad(penalty, x)
    direction = torch.randn_like(x)
    step = 1e-6 * direction
    ahead, behind = (
        _squared_gradient(memory, (x + sign * step).detach().requires_grad_(), start)
        for sign in (1, -1)
    )
    expected = (ahead - behind) / 2e-6
    torch.testing.assert_close((second * direction).sum(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["gru", "elman", "indrnn", "lmu", "lru", "mamba", "mingru"])
def test_the_gradient_of_a_sum_is_refused_a_graph_too(name):
    """What comes from above is a constant then, and torch's own check says nothing."""
    memory, x, start = _trial(name)
    y, _ = memory(x, memory.initial_state(B), start)
    with pytest.raises(RuntimeError, match="without create_graph=True"):
        torch.autograd.grad(y.sum(), x, create_graph=True)
