"""Memories under torch.compile, with a backend that needs no compiler of C++."""

import pytest
import torch

from popgym.memory import make_memory

B, T, F, D = 2, 4, 3, 8


@pytest.fixture(autouse=True)
def _forget_what_was_compiled():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


# a kernel with its gradient written out, a convolution, and complex states
@pytest.mark.parametrize("name", ["gru", "frameconv", "lru"])
def test_a_compiled_memory_computes_and_learns_the_same(name):
    torch.manual_seed(0)
    memory = make_memory(name, F, D)
    compiled = torch.compile(memory, backend="aot_eager")
    x = torch.randn(B, T, F, requires_grad=True)
    start = torch.tensor([[False, False, True, False], [False] * T])
    wanted = [x, *memory.parameters()]
    results = []
    for function in (memory, compiled):
        y, state = function(x, memory.initial_state(B), start)
        gradients = torch.autograd.grad(y.sin().sum(), wanted)
        results.append([y, *state, *gradients])
    torch.testing.assert_close(*results)


@pytest.mark.parametrize("name", ["gru", "lru", "mingru", "lmu", "mamba", "diffnc", "shm"])
def test_a_loop_over_time_is_not_unrolled(name):
    memory = make_memory(name, F, D)

    def operations(steps):
        sizes = []

        def backend(graph, _):
            sizes.append(len(graph.graph.nodes))
            return graph.forward

        torch.compiler.reset()
        compiled = torch.compile(memory, backend=backend, dynamic=False)
        compiled(torch.randn(B, steps, F), memory.initial_state(B))
        return sizes

    assert operations(steps=8) == operations(steps=24)
