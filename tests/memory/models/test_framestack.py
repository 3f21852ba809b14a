import pytest
import torch

from popgym.memory import Framestack, FramestackState

T, F = 11, 4


def naive(memory):
    """Compress each frame, stack them oldest first, two layers; one row and step at a time."""
    W, C = memory.stack_size, memory.compress.weight

    def phi(a):
        return torch.maximum(a, 0.01 * a)

    def read(x, state, start):
        taps, bias = memory.join.conv.weight, memory.join.conv.bias
        first = torch.cat([taps[:, :, k] for k in range(W)], 1)  # [D, W · size], on a stack
        rows, kept = [], []
        for b in range(len(x)):
            past = list(state.frames[b])
            outputs = []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    past = [torch.zeros_like(x[b, t])] * (W - 1)
                frames = [*past, x[b, t]]
                stack = torch.cat([C @ frame for frame in frames])
                inner = phi(first @ stack + bias)
                outputs.append(phi(memory.output.weight @ inner + memory.output.bias))
                past = frames[1:]
            rows.append(torch.stack(outputs))
            kept.append(torch.stack(past) if past else x.new_zeros(0, F))
        return torch.stack(rows), FramestackState(torch.stack(kept))

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("stack_size", [1, 2, 4, 11, 15])
def test_it_equals_the_formula(assert_equals_reference, stack_size, starts):
    torch.manual_seed(1)
    memory = Framestack(F, 8, stack_size=stack_size)
    assert_equals_reference(memory, naive(memory), starts=starts)


@pytest.mark.parametrize(
    "hidden_size, stack_size, size", [(256, 4, 64), (10, 4, 2), (8, 1, 8), (3, 5, 1)]
)
def test_each_frame_is_compressed_to_its_part_of_the_hidden_size(hidden_size, stack_size, size):
    memory = Framestack(F, hidden_size, stack_size=stack_size)
    assert memory.compress.weight.shape == (size, F)
    y, _ = memory(torch.randn(2, T, F), memory.initial_state(2))
    assert y.shape == (2, T, hidden_size)


def test_the_state_is_exactly_the_last_inputs():
    memory = Framestack(F, 8, stack_size=4)
    x = torch.randn(2, 9, F)
    _, state = memory(x, memory.initial_state(2))
    assert torch.equal(state.frames, x[:, -3:])


def test_the_state_holds_nothing_older_than_the_last_start():
    memory = Framestack(F, 8, stack_size=4)
    x = torch.randn(1, 9, F)
    start = torch.zeros(1, 9, dtype=torch.bool)
    start[0, 7] = True
    _, state = memory(x, memory.initial_state(1), start)
    assert torch.equal(state.frames[0, 0], torch.zeros(F))
    assert torch.equal(state.frames[0, 1:], x[0, 7:])


def test_a_stack_of_one_keeps_nothing():
    memory = Framestack(F, 8, stack_size=1)
    assert memory.initial_state(2).frames.shape == (2, 0, F)
    assert (memory.state_numel, memory.receptive_field) == (0, 1)


def test_it_sees_its_stack_and_nothing_before():
    memory = Framestack(F, 8, stack_size=3).double()
    x = torch.randn(1, T, F, dtype=torch.float64)
    other = x.clone()
    other[:, 4] += 1
    state = memory.initial_state(1)
    changed = (memory(x, state)[0] != memory(other, state)[0]).any(2)[0]
    assert changed.nonzero().flatten().tolist() == [4, 5, 6]
    assert memory.receptive_field == 3


def test_autocast_trains_and_agrees_with_float32(assert_trains_under_autocast):
    torch.manual_seed(3)
    memory = Framestack(16, 32)
    x, start = torch.randn(4, 20, 16, requires_grad=True), torch.rand(4, 20) < 0.1
    assert_trains_under_autocast(memory, x, start)


@pytest.mark.parametrize("stack_size, error", [(0, ValueError), (2.5, TypeError), ("4", TypeError)])
def test_a_stack_that_does_not_fit_is_refused(stack_size, error):
    with pytest.raises(error, match=f"stack_size must be .*, got {stack_size!r}"):
        Framestack(F, 8, stack_size=stack_size)
