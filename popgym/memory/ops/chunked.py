"""Rows in chunks of equal length, none of which holds steps of two episodes.

A memory that is linear in its state reads a chunk of steps in a few matrix products, and only the
states between chunks remain to be computed one after the other. Episodes of any length are moved
apart for this: each begins where a chunk begins, except the last of a row, which ends where a chunk
ends; the gaps hold zeros. Two rows in chunks of 4, with episodes a, b, c and d, e::

    a a a a a b b c c c c c      a a a a | a · · · | b b · · | · · · c | c c c c
    d d d d e e e e e e e e      d d d d | · · · · | · · · · | e e e e | e e e e

So a reset is the clearing of a state between two chunks, exactly as between two steps, and nothing
of one episode, finite or not, is ever multiplied with anything of another; within an episode, what
is not finite may spoil earlier steps of its chunk. Chunks are no longer than the mean episode of
the row that has most, so that the gaps at most double the steps.

Where weights that differ from step to step may as well be zero from one episode to the next, no
step needs to be moved, as long as all is finite: ``read_chunks``.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from popgym.memory.ops.resets import clear_rows, episodes_of, reset_steps
from popgym.memory.ops.scan import diagonal_scan

LONGEST = 32
"""Steps of a chunk; measured for keys of 16: 16 is alike, 8 and 64 cost a third more."""


def chunk_length(steps: int, start: Tensor | None, longest: int = LONGEST) -> int:
    """Return how long chunks are best made, at most ``longest``.

    Args:
        steps: T.
        start: [B, T] bool or None.
        longest: what suits the memory where episodes are long.
    """
    episodes = 1 if start is None else int(start[:, 1:].sum(1).max()) + 1
    count = -(-steps // max(1, min(longest, steps // episodes)))
    return -(-steps // count)


def first_and_length(steps: int, start: Tensor | None) -> tuple[int, int]:
    """Return how many steps are to make a chunk of their own, and the length of those after it.

    In a gap a state that a row carries would decay. There is none before an episode that begins in
    the row; so where each row has one, chunks are of the length that leaves the least gaps, and
    otherwise the steps left over make a chunk of their own, so that a row without has none.

    Args:
        steps: T.
        start: [B, T] bool or None.
    """
    length = chunk_length(steps, start)
    if start is None or not start[:, 1:].any(1).all():
        return steps % length, length
    return 0, _tightest_length(start, length)


def _tightest_length(start: Tensor, longest: int) -> int:
    """From half the longest up, the length of chunks in which T steps take the least room."""
    rows, steps = start.shape
    first, episodes = episodes_of(start)
    lengths = torch.arange(longest, longest // 2, -1, device=start.device)
    chunks = (episodes.unsqueeze(1) + lengths - 1) // lengths  # [E, candidates]
    of_rows = chunks.new_zeros(rows, len(lengths)).index_add(0, first // steps, chunks)
    return int(lengths[(of_rows.amax(0) * lengths).argmin()])


_Index = tuple[Tensor, Tensor | None]


class Chunks:
    """Where the steps of B rows lie in n chunks of length C.

    Args:
        x: what is to be read [B, T, ...]; only its shape and device count.
        start: [B, T] bool or None. What it says of the first step changes nothing here: that is
            for ``clear_at_first_step``.
        length: C.
    """

    length: int
    """C."""

    count: int
    """n, for every row."""

    fresh: Tensor | None
    """[B, n] bool: chunks that begin an episode which begins in the row; None: none does."""

    def __init__(self, x: Tensor, start: Tensor | None, length: int) -> None:
        rows, steps = x.shape[:2]
        self.rows, self.length = rows, length
        self.fresh = self._places = None
        if start is None:
            self.count = -(-steps // length)
            if steps % length == 0:
                return
            gap = self.count * length - steps
            places = torch.arange(gap, gap + steps, device=x.device).expand(rows, steps)
        else:
            places = _places(start, length)  # [B, T]
            self.count = int(places[:, -1].max()) // length + 1
            row, t = start.nonzero(as_tuple=True)
            row, t = row[t > 0], t[t > 0]
            self.fresh = start.new_zeros(rows, self.count)
            self.fresh[row, places[row, t] // length] = True
        row_begins = torch.arange(rows, device=x.device) * (self.count * length)
        self._places = (places + row_begins.unsqueeze(1)).flatten()  # [B T], among the B n C
        self._steps, self._gaps = _invert(self._places, rows * self.count * length)

    def spread(self, x: Tensor, dim: int = 0) -> Tensor:
        """Move the B T steps on axis ``dim`` to their places among B n C, with zeros between."""
        if self._places is None:
            return x
        return _Move.apply(x, dim, (self._steps, self._gaps), (self._places, None))

    def collect(self, y: Tensor, dim: int = 0) -> Tensor:
        """Take the B T steps from among the B n C on axis ``dim``."""
        if self._places is None:
            return y
        return _Move.apply(y, dim, (self._places, None), (self._steps, self._gaps))

    def split(self, x: Tensor) -> Tensor:
        """[B, T, ...] -> [B, n, C, ...]."""
        return self.spread(x.flatten(0, 1)).unflatten(0, (self.rows, self.count, self.length))

    def join(self, y: Tensor) -> Tensor:
        """[B, n, C, ...] -> [B, T, ...]."""
        return self.collect(y.flatten(0, 2)).unflatten(0, (self.rows, -1))

    def carry(self, added: Tensor, state: Tensor, decay: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the states between chunks: Sᶜ = a ⊙ Sᶜ⁻¹ + addedᶜ, Sᶜ⁻¹ = 0 before a fresh one.

        Args:
            added: what each chunk adds to the state [B, n, ...].
            state: before the first chunk [B, ...].
            decay: a, [...] for all chunks or one for each [B, n, ...].

        Returns:
            The states before each chunk [B, n, ...], and the one after the last step [B, ...].
        """
        after = diagonal_scan(decay, added, state, self.fresh)
        before = torch.cat([state.unsqueeze(1), after[:, :-1]], 1)
        if self.fresh is not None:
            before = clear_rows(before.flatten(0, 1), self.fresh.flatten()).view_as(before)
        return before, self._last(after)

    def carry_through(
        self, step: Callable[..., Tensor], state: Tensor, *added: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Compute the states between chunks: Sᶜ = step(Sᶜ⁻¹, addedᶜ), Sᶜ⁻¹ = 0 before a fresh one.

        Args:
            step: from the state before a chunk, and what is ``added`` for it, to the state after.
            state: before the first chunk [B, ...].
            added: any tensors [B, n, ...].

        Returns:
            The states before each chunk [B, n, ...], and the one after the last step [B, ...].
        """
        resets = reset_steps(self.fresh)
        befores, afters = [], []
        for c, of_chunk in enumerate(zip(*(x.unbind(1) for x in added), strict=True)):
            if resets and (rows := resets[c]) is not None:
                state = clear_rows(state, rows)
            befores.append(state)
            state = step(state, *of_chunk)
            afters.append(state)
        # rows without resets end in one and the same chunk
        after = state if self.fresh is None else self._last(torch.stack(afters, 1))
        return torch.stack(befores, 1), after

    def _last(self, after: Tensor) -> Tensor:
        """The state after each row's own last chunk: [B, n, ...] -> [B, ...]."""
        if self._places is None:
            return after[:, -1]
        places = self._places.view(self.rows, -1)[:, -1]
        return after.flatten(0, 1)[places // self.length]


ReadChunks = Callable[[Chunks, Tensor | None], tuple[Tensor, ...]]


def read_chunks(read: ReadChunks, x: Tensor, start: Tensor | None) -> tuple[Tensor, ...]:
    """Read rows in chunks that may hold several episodes, or, if they must not, in chunks of one.

    What passes from one episode to another is multiplied by zero. That clears whatever is finite,
    and 0 · NaN is NaN: what was not finite shows in the results, and all is read again, with the
    episodes apart. (A gradient of the results that is not finite reaches earlier episodes.)

    Args:
        read: reads chunks; the flags [B, n, C] given to it mark steps that begin an episode, and
            are None if no chunk holds two. It returns tensors of which all must be finite.
        x: what is to be read [B, T, ...]; only its shape and device count.
        start: [B, T] bool or None. What it says of the first step changes nothing here: that is
            for ``clear_at_first_step``.

    Returns:
        What ``read`` returned.
    """
    steps = x.shape[1]
    if start is not None:
        chunks = Chunks(x, None, chunk_length(steps, None))
        later = functional.pad(start[:, 1:], (1, 0))
        results = read(chunks, chunks.split(later))
        if all(bool(result.detach().sum().isfinite()) for result in results):
            return results
    return read(Chunks(x, start, chunk_length(steps, start)), None)


class _Move(torch.autograd.Function):
    """Take what lies at an index along ``dim``, and zeros for the gaps; the gradient goes back.

    It has one place to go to, so that nothing need be added: half the time of what autograd does.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int, there: _Index, back: _Index) -> Tensor:
        ctx.dim, ctx.there, ctx.back = dim, there, back
        index, gaps = there
        y = x.index_select(dim, index)
        return y if gaps is None else y.index_fill_(dim, gaps, 0)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        return _Move.apply(dy, ctx.dim, ctx.back, ctx.there), None, None, None


def _invert(places: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return for each of ``count`` places the step that lies there, and places without a step."""
    steps = places.new_full([count], -1)
    steps[places] = torch.arange(len(places), device=places.device)
    return steps.clamp(min=0), (steps < 0).nonzero().squeeze(1)


def _places(start: Tensor, length: int) -> Tensor:
    """Return [B, T]: where each step lies in its row of chunks."""
    rows, steps = start.shape
    first, episodes = episodes_of(start)
    gaps = -episodes % length
    opens_row = first % steps == 0
    closes_row = opens_row.roll(-1)
    # a gap follows its episode, except a row's last, which it precedes
    shift = gaps.roll(1).masked_fill(opens_row, 0)
    shift += gaps.masked_fill(~closes_row, 0)
    shifts = first.new_zeros(rows * steps).index_copy(0, first, shift)
    return torch.arange(steps, device=start.device) + shifts.view(rows, steps).cumsum(1)


def sums_between(x: Tensor) -> Tensor:
    """Return [..., C, C]: at i, j the sum of x [..., C] after step j up to i; −∞ if j > i.

    Only ever adds what lies between, so that nothing large cancels.
    """
    steps = x.shape[-1]
    within = torch.ones(steps, steps, dtype=torch.bool, device=x.device).tril()
    sums = x.unsqueeze(-1).expand(*x.shape, steps).masked_fill(~within.tril(-1), 0).cumsum(-2)
    return sums.masked_fill(~within, -torch.inf)
