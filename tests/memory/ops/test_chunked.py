import pytest
import torch

from popgym.memory.ops.chunked import (
    LONGEST,
    Chunks,
    chunk_length,
    first_and_length,
    run_chunks,
    sums_between,
)

B, T = 2, 12


def _start(*begins, steps=T):
    """One row of flags for each list of steps at which an episode begins."""
    start = torch.zeros(len(begins), steps, dtype=torch.bool)
    for row, at in enumerate(begins):
        start[row, list(at)] = True
    return start


def _numbered(rows=B, steps=T):
    """Steps counted from 1, so that 0 is a gap."""
    return torch.arange(1, rows * steps + 1).view(rows, steps)


def test_episodes_lie_as_in_the_drawing():
    chunks = Chunks(_numbered(), _start([5, 7], [4]), length=4)
    assert chunks.split(_numbered()).tolist() == [
        [[1, 2, 3, 4], [5, 0, 0, 0], [6, 7, 0, 0], [0, 0, 0, 8], [9, 10, 11, 12]],
        [[13, 14, 15, 16], [17, 18, 19, 20], [21, 22, 23, 24], [0] * 4, [0] * 4],
    ]
    assert chunks.fresh.tolist() == [
        [False, False, True, True, False],
        [False, True, False, False, False],
    ]


def test_without_resets_only_the_first_chunk_has_a_gap():
    chunks = Chunks(_numbered(), None, length=5)
    assert chunks.split(_numbered())[0].tolist() == [
        [0, 0, 0, 1, 2],
        [3, 4, 5, 6, 7],
        [8, 9, 10, 11, 12],
    ]
    assert chunks.fresh is None


def test_steps_that_fill_their_chunks_are_not_moved():
    x = _numbered()
    chunks = Chunks(x, None, length=4)
    assert chunks.spread(x, 1) is x
    assert chunks.collect(x, 1) is x


@pytest.mark.parametrize("length", [1, 2, 3, 5, 12, 40])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 1.0])
def test_every_step_comes_back_from_a_chunk_of_its_own_episode(rate, length):
    generator = torch.Generator().manual_seed(0)
    start = torch.rand(5, 37, generator=generator) < rate
    x = _numbered(5, 37)
    chunks = Chunks(x, start if rate else None, length)
    assert torch.equal(chunks.join(chunks.split(x)), x)
    episodes = start.long()
    episodes[:, 0] = 0
    episodes = episodes.cumsum(1) + 1
    for chunk in chunks.split(episodes).flatten(0, 1):
        assert len(set(chunk[chunk > 0].tolist())) <= 1


@pytest.mark.parametrize("dim", [0, 1])
def test_gradients_go_back_to_their_steps_those_of_gradients_too(dim):
    generator = torch.Generator().manual_seed(0)
    chunks = Chunks(_numbered(), _start([5, 7], [4]), length=4)
    x = torch.randn([(B * T, 2), (2, B * T)][dim], generator=generator, dtype=torch.float64)
    for move, moved in ((chunks.spread, x), (chunks.collect, chunks.spread(x, dim))):
        square = lambda x, move=move: move(x, dim).square()  # noqa: E731
        assert torch.autograd.gradcheck(square, moved.requires_grad_())
        assert torch.autograd.gradgradcheck(square, moved)


@pytest.mark.parametrize(
    "begins, expected",
    [
        ([[], []], (25, 27)),  # no row resets: 133 = 25 + 4 · 27
        ([[7], [0]], (25, 27)),  # one does not, though it begins an episode
        ([[50, 100], [50, 100]], (0, 17)),  # 50, 50 and 33 steps take 3, 3 and 2 chunks
        ([[110], [110]], (0, 23)),  # 110 and 23 steps: 5 chunks and 1
    ],
)
def test_steps_are_left_over_only_where_a_row_has_no_resets(begins, expected):
    assert first_and_length(133, _start(*begins, steps=133)) == expected


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("per_chunk", [False, True])
def test_states_are_carried_from_chunk_to_chunk(starts, per_chunk):
    torch.manual_seed(0)
    start = _start([5, 7], [4], []) if starts else None
    chunks = Chunks(torch.zeros(3, T), start, length=4)
    added, state = torch.randn(3, chunks.count, 2, 2), torch.randn(3, 2, 2)
    decay = torch.rand(added.shape if per_chunk else (2, 2))
    before, after = chunks.carry(added, state, decay)
    counts = [5, 3, 3] if starts else [3, 3, 3]  # a row may end before another does
    for row in range(3):
        s = state[row]
        for c in range(counts[row]):
            if starts and chunks.fresh[row, c]:
                s = torch.zeros(2, 2)
            torch.testing.assert_close(before[row, c], s)
            s = (decay[row, c] if per_chunk else decay) * s + added[row, c]
        torch.testing.assert_close(after[row], s)


def test_nothing_that_is_not_finite_is_carried_over_a_reset():
    start = _start([5])
    chunks = Chunks(torch.zeros(1, T), start, length=4)
    added = torch.ones(1, chunks.count, 3)
    added[:, :2] = float("nan")
    before, after = chunks.carry(added, torch.full((1, 3), float("inf")), torch.ones(3))
    assert before[:, 2:].isfinite().all()
    assert after.isfinite().all()


@pytest.mark.parametrize(
    "steps, episodes, length",
    [(1, 1, 1), (7, 1, 7), (32, 1, 32), (33, 1, 17), (45, 1, 23), (256, 1, 32), (256, 5, 32),
     (256, 10, 24), (256, 128, 2), (256, 256, 1)],
)  # fmt: skip
def test_chunks_are_even_and_no_longer_than_the_mean_episode(steps, episodes, length):
    start = torch.zeros(2, steps, dtype=torch.bool)
    start[1, :episodes] = True
    assert chunk_length(steps, None if episodes == 1 else start) == length
    assert length <= LONGEST


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.4, 0.9, 1.0])
def test_gaps_at_most_double_the_steps(rate):
    start = torch.rand(16, 500, generator=torch.Generator().manual_seed(0)) < rate
    length = chunk_length(500, start)
    chunks = Chunks(start, start, length)
    assert chunks.count * length <= 2 * 500 + length


@pytest.mark.parametrize("starts", [None, [[5, 7], [4]]])
def test_states_carried_through_any_step_are_those_carried_with_a_decay(starts):
    generator = torch.Generator().manual_seed(0)
    start = starts if starts is None else _start(*starts)
    chunks = Chunks(_numbered(), start, length=4)
    added = torch.randn(B, chunks.count, 3, generator=generator)
    state, decay = torch.randn(B, 3, generator=generator), torch.tensor([0.5, 2.0, -1.0])
    got = chunks.carry_through(lambda state, added: decay * state + added, state, added)
    torch.testing.assert_close(got, chunks.carry(added, state, decay))


def test_sums_between_steps_leave_nothing_of_a_large_number_before_them():
    x = torch.tensor([-1e9, -1.0, -2.0, -4.0])
    inf = torch.inf
    assert sums_between(x).tolist() == [
        [0, -inf, -inf, -inf],
        [-1, 0, -inf, -inf],
        [-3, -2, 0, -inf],
        [-7, -6, -4, 0],
    ]


def _reader(seen, *results):
    """Notes what it is to read, and returns the next of ``results`` each time."""

    def read(chunks, starts):
        seen.append((chunks.fresh is not None, starts))
        return (torch.tensor(results[len(seen) - 1]), torch.zeros(1))

    return read


def test_finite_episodes_are_read_where_they_lie_with_flags_for_those_that_begin_later():
    seen = []
    start = _start([0, 5, 7], [4])
    read, _ = run_chunks(_reader(seen, [1.0, 2.0]), _numbered(), start)
    ((apart, flags),) = seen
    assert read.tolist() == [1, 2]
    assert not apart
    assert flags.flatten(1).nonzero().tolist() == [[0, 5], [0, 7], [1, 4]]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_episodes_are_read_apart_if_anything_read_is_not_finite(value):
    seen = []
    read, _ = run_chunks(_reader(seen, [value, 1.0], [2.0]), _numbered(), _start([5], [4]))
    assert read.tolist() == [2]
    assert [(apart, flags is None) for apart, flags in seen] == [(False, False), (True, True)]


def test_without_resets_all_is_read_once_whatever_it_is():
    seen = []
    run_chunks(_reader(seen, [float("nan")]), _numbered(), None)
    assert seen == [(False, None)]
