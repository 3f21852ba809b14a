import pytest
import torch

from popgym.memory import GRU, MEMORIES, make_memory
from popgym.memory.ops.padding import forward_padded

B, T, F, D = 5, 13, 4, 6
LENGTHS = [13, 10, 1, 0, 7]


def _case(name, seed=0):
    torch.manual_seed(seed)
    memory = make_memory(name, F, D).double()
    x = torch.randn(B, T, F, dtype=torch.float64)
    _, state = memory(torch.randn_like(x), memory.initial_state(B))
    return memory, x, type(state)(*(field.detach() for field in state))


def _alone(memory, x, state, row, length):
    state = type(state)(*(field[row : row + 1] for field in state))
    return memory(x[row : row + 1, :length], state)


@pytest.mark.parametrize("name", MEMORIES)
def test_each_row_is_that_of_the_row_alone_without_its_padding(name):
    memory, x, state = _case(name)
    y, after = forward_padded(memory, x, state, torch.tensor(LENGTHS))
    assert y.shape == (B, T, D)
    for row, length in enumerate(LENGTHS):
        if length:
            y_alone, after_alone = _alone(memory, x, state, row, length)
            torch.testing.assert_close(y[row, :length], y_alone[0])
            for field, alone in zip(after, after_alone, strict=True):
                torch.testing.assert_close(field[row], alone[0])


@pytest.mark.parametrize("name", MEMORIES)
def test_a_row_without_steps_keeps_its_state(name):
    memory, x, state = _case(name)
    _, after = forward_padded(memory, x, state, torch.tensor(LENGTHS))
    for before, field in zip(state, after, strict=True):
        assert torch.equal(field[3], before[3])


def test_the_padding_is_zero_and_never_read():
    memory, x, state = _case("frameconv")
    clean, after_clean = forward_padded(memory, x, state, torch.tensor(LENGTHS))
    for row, length in enumerate(LENGTHS):
        x[row, length:] = float("nan")
    y, after = forward_padded(memory, x, state, torch.tensor(LENGTHS))
    assert torch.equal(y, clean)
    assert torch.equal(after.frames, after_clean.frames)
    for row, length in enumerate(LENGTHS):
        assert not y[row, length:].any()


@pytest.mark.parametrize("name", MEMORIES)
def test_no_gradient_comes_from_the_padding_and_the_others_are_those_of_the_rows_alone(name):
    memory, x, state = _case(name)
    weights = torch.randn(B, T, D, dtype=torch.float64)
    x.requires_grad_()
    y, after = forward_padded(memory, x, state, torch.tensor(LENGTHS))
    wanted = [x, *memory.parameters()]
    loss = (y * weights).sum() + sum(field.square().sum() for field in after)
    got = torch.autograd.grad(loss, wanted)
    loss = 0
    for row, length in enumerate(LENGTHS):
        if length:
            y_alone, after_alone = _alone(memory, x, state, row, length)
            loss = loss + (y_alone[0] * weights[row, :length]).sum()
            loss = loss + sum(field.square().sum() for field in after_alone)
    want = torch.autograd.grad(loss, wanted)
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a, b)
    for row, length in enumerate(LENGTHS):
        assert not got[0][row, length:].any()


class CountsCalls(GRU):
    calls = 0

    def forward(self, x, state, start=None):
        self.calls += 1
        return super().forward(x, state, start)


@pytest.mark.parametrize(
    "lengths, calls",
    [([64] * 5, 1), ([64, 64, 1, 2, 3], 3), (list(range(60, 65)), 7), ([0] * 5, 0)],
)
def test_the_number_of_calls_grows_with_the_logarithm_of_the_length(lengths, calls):
    memory = CountsCalls(F, D)
    forward_padded(memory, torch.randn(5, 64, F), memory.initial_state(5), torch.tensor(lengths))
    assert memory.calls == calls


def test_rows_that_are_all_padding_give_zeros():
    memory, x, state = _case("gru")
    y, after = forward_padded(memory, x, state, torch.zeros(B, dtype=torch.int32))
    assert torch.equal(y, torch.zeros(B, T, D, dtype=torch.float64))
    assert torch.equal(after.hidden, state.hidden)


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_lengths_may_be_int32_or_int64(dtype):
    memory, x, state = _case("gru")
    y, _ = forward_padded(memory, x, state, torch.tensor(LENGTHS, dtype=dtype))
    assert y[0].any()


@pytest.mark.parametrize(
    "lengths, error, message",
    [
        ([14, 1, 1, 1, 1], ValueError, r"seq_lens must be \[5\] with values from 0 to 13"),
        ([-1, 1, 1, 1, 1], ValueError, r"values from 0 to 13 .* got \[-1, 1, 1, 1, 1\]"),
        ([1, 1], ValueError, r"seq_lens must be \[5\]"),
        ([[1, 1, 1, 1, 1]], ValueError, r"seq_lens must be \[5\]"),
        ([1.0] * 5, TypeError, "seq_lens must hold integers, got torch.float32"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(lengths, error, message):
    memory, x, state = _case("gru")
    with pytest.raises(error, match=message):
        forward_padded(memory, x, state, torch.tensor(lengths))
