"""Splitting of rows into chunks of equal length, each with steps of one episode only.

A memory that is linear in its state computes a chunk of steps with a few matrix products. Only the
states between chunks are then computed one after the other. For this, gaps of zeros are inserted
between episodes: each episode begins at the beginning of a chunk, except the last episode of a row,
which ends at the end of a chunk. Two rows in chunks of 4, with episodes a, b, c and d, e::

    a a a a a b b c c c c c      a a a a | a · · · | b b · · | · · · c | c c c c
    d d d d e e e e e e e e      d d d d | · · · · | · · · · | e e e e | e e e e

A reset then clears the state between two chunks, as it does between two steps. Values of one
episode are never multiplied with values of another, so that NaN or infinity cannot spread from one
episode to another. Within an episode, a value that is not finite may affect earlier steps of its
chunk. A chunk is at most as long as the mean episode of the row that has the most episodes.
Therefore the gaps at most double the number of steps.

Some memories can also set the weights between steps of different episodes to zero. Then no gaps are
needed, as long as all values are finite; see ``run_chunks``.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from popgym.memory.ops.resets import clear_rows, episodes_of, reset_steps
from popgym.memory.ops.scan import diagonal_scan

LONGEST = 32
"""Largest number of steps in a chunk. Measured with a key size of 16: chunks of 16 steps are as
fast, chunks of 8 or 64 steps take a third longer."""


def chunk_length(steps: int, start: Tensor | None, longest: int = LONGEST) -> int:
    """Return the chunk length to use, at most ``longest``.

    Args:
        steps: Number of steps T.
        start: Episode start mask [B, T] bool, or None.
        longest: Best chunk length for the memory if episodes are long.
    """
    episodes = 1 if start is None else int(start[:, 1:].sum(1).max()) + 1
    count = -(-steps // max(1, min(longest, steps // episodes)))
    return -(-steps // count)


def first_and_length(steps: int, start: Tensor | None) -> tuple[int, int]:
    """Return the number of steps of a shorter first chunk, and the length of the other chunks.

    This is for memories whose state decays at every step, also in a gap. A gap before an episode
    that begins in the row does no harm, because the state is then cleared. If an episode begins in
    every row, there is no shorter first chunk (0 steps), and the chunk length is the one with the
    smallest gaps. Otherwise the remainder of T divided by the chunk length makes a first chunk, so
    that rows in which no episode begins have no gaps.

    Args:
        steps: Number of steps T.
        start: Episode start mask [B, T] bool, or None.
    """
    length = chunk_length(steps, start)
    if start is None or not start[:, 1:].any(1).all():
        return steps % length, length
    return 0, _tightest_length(start, length)


def _tightest_length(start: Tensor, longest: int) -> int:
    """Return the chunk length, from half of ``longest`` up, that needs the fewest padded steps."""
    rows, steps = start.shape
    first, episodes = episodes_of(start)
    lengths = torch.arange(longest, longest // 2, -1, device=start.device)
    chunks = (episodes.unsqueeze(1) + lengths - 1) // lengths  # [E, candidates]
    of_rows = chunks.new_zeros(rows, len(lengths)).index_add(0, first // steps, chunks)
    return int(lengths[(of_rows.amax(0) * lengths).argmin()])


_Index = tuple[Tensor, Tensor | None]


class Chunks:
    """The place of each step of B rows in n chunks of length C.

    Args:
        x: Inputs [B, T, ...]. Only the shape and the device are used.
        start: Episode start mask [B, T] bool, or None. The values at the first step have no effect
            here; ``clear_at_first_step`` handles them.
        length: Chunk length C.
    """

    length: int
    """Chunk length C."""

    count: int
    """Number of chunks n, the same for every row."""

    fresh: Tensor | None
    """Mask [B, n] bool of the chunks before which the state is cleared, because an episode begins
    in them, not counting a row's first step. None if there are no such chunks."""

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
        """Move the B T steps on axis ``dim`` to their places among B n C; the gaps are zeros."""
        if self._places is None:
            return x
        return _Move.apply(x, dim, (self._steps, self._gaps), (self._places, None))

    def collect(self, y: Tensor, dim: int = 0) -> Tensor:
        """Undo ``spread``: take the B T steps out of the B n C places on axis ``dim``."""
        if self._places is None:
            return y
        return _Move.apply(y, dim, (self._places, None), (self._steps, self._gaps))

    def split(self, x: Tensor) -> Tensor:
        """Split rows into chunks: [B, T, ...] -> [B, n, C, ...]."""
        return self.spread(x.flatten(0, 1)).unflatten(0, (self.rows, self.count, self.length))

    def join(self, y: Tensor) -> Tensor:
        """Undo ``split``: [B, n, C, ...] -> [B, T, ...]."""
        return self.collect(y.flatten(0, 2)).unflatten(0, (self.rows, -1))

    def carry(self, added: Tensor, state: Tensor, decay: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the states between chunks with a linear recurrence.

        Sᶜ = a ⊙ Sᶜ⁻¹ + addedᶜ, where Sᶜ⁻¹ = 0 before a chunk marked in ``fresh``.

        Args:
            added: What each chunk adds to the state [B, n, ...].
            state: State before the first chunk [B, ...].
            decay: Decay a, the same for all chunks [...] or one for each chunk [B, n, ...].

        Returns:
            The states before each chunk [B, n, ...], and the state after the last step [B, ...].
        """
        after = diagonal_scan(decay, added, state, self.fresh)
        before = torch.cat([state.unsqueeze(1), after[:, :-1]], 1)
        if self.fresh is not None:
            before = clear_rows(before.flatten(0, 1), self.fresh.flatten()).view_as(before)
        return before, self._last(after)

    def carry_through(
        self, step: Callable[..., Tensor], state: Tensor, *added: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Compute the states between chunks with any recurrence.

        Sᶜ = step(Sᶜ⁻¹, addedᶜ), where Sᶜ⁻¹ = 0 before a chunk marked in ``fresh``.

        Args:
            step: Maps the state before a chunk and the chunk's part of each tensor in ``added`` to
                the state after the chunk.
            state: State before the first chunk [B, ...].
            added: Any number of tensors [B, n, ...].

        Returns:
            The states before each chunk [B, n, ...], and the state after the last step [B, ...].
        """
        resets = reset_steps(self.fresh)
        befores, afters = [], []
        for c, of_chunk in enumerate(zip(*(x.unbind(1) for x in added), strict=True)):
            if resets and (rows := resets[c]) is not None:
                state = clear_rows(state, rows)
            befores.append(state)
            state = step(state, *of_chunk)
            afters.append(state)
        # without episode starts, all rows end in the last chunk
        after = state if self.fresh is None else self._last(torch.stack(afters, 1))
        return torch.stack(befores, 1), after

    def _last(self, after: Tensor) -> Tensor:
        """Return the state after each row's own last chunk: [B, n, ...] -> [B, ...]."""
        if self._places is None:
            return after[:, -1]
        places = self._places.view(self.rows, -1)[:, -1]
        return after.flatten(0, 1)[places // self.length]


RunChunks = Callable[[Chunks, Tensor | None], tuple[Tensor, ...]]


def run_chunks(run: RunChunks, x: Tensor, start: Tensor | None) -> tuple[Tensor, ...]:
    """Compute rows in chunks, first with chunks that may hold steps of several episodes.

    In such chunks, the weights between steps of different episodes are zero. This separates the
    episodes only if all values are finite, because 0 · NaN is NaN. If a result is not finite, all
    rows are computed again in chunks of one episode each. A gradient of the results that is not
    finite still spreads to earlier episodes.

    Args:
        run: Computes the chunks. Its second argument marks the steps that begin an episode
            [B, n, C] bool; None means that each chunk holds one episode. It returns a tuple of
            tensors, which are checked to be finite.
        x: Inputs [B, T, ...]. Only the shape and the device are used.
        start: Episode start mask [B, T] bool, or None. The values at the first step have no effect
            here; ``clear_at_first_step`` handles them.

    Returns:
        The result of ``run``.
    """
    steps = x.shape[1]
    if start is not None:
        chunks = Chunks(x, None, chunk_length(steps, None))
        later = functional.pad(start[:, 1:], (1, 0))
        results = run(chunks, chunks.split(later))
        if all(bool(result.detach().sum().isfinite()) for result in results):
            return results
    return run(Chunks(x, start, chunk_length(steps, start)), None)


class _Move(torch.autograd.Function):
    """Gather along ``dim`` by an index, with zeros in the gaps, and a gather as the gradient.

    Each gradient goes to exactly one place, so that none have to be added. This takes half the time
    of autograd's own gradient.
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
    """Return the step at each of ``count`` places, and the places without a step."""
    steps = places.new_full([count], -1)
    steps[places] = torch.arange(len(places), device=places.device)
    return steps.clamp(min=0), (steps < 0).nonzero().squeeze(1)


def _places(start: Tensor, length: int) -> Tensor:
    """Return the place of each step in its row of chunks [B, T]."""
    rows, steps = start.shape
    first, episodes = episodes_of(start)
    gaps = -episodes % length
    opens_row = first % steps == 0
    closes_row = opens_row.roll(-1)
    # a gap comes after its episode, except for a row's last episode: there it comes before
    shift = gaps.roll(1).masked_fill(opens_row, 0)
    shift += gaps.masked_fill(~closes_row, 0)
    shifts = first.new_zeros(rows * steps).index_copy(0, first, shift)
    return torch.arange(steps, device=start.device) + shifts.view(rows, steps).cumsum(1)


def sums_between(x: Tensor) -> Tensor:
    """Return the sums of x [..., C] between steps [..., C, C].

    The entry at i, j is the sum of x over the steps after j up to and including i, or −∞ if j > i.
    Each sum adds only its own terms. A difference of cumulative sums would lose precision.
    """
    steps = x.shape[-1]
    within = torch.ones(steps, steps, dtype=torch.bool, device=x.device).tril()
    sums = x.unsqueeze(-1).expand(*x.shape, steps).masked_fill(~within.tril(-1), 0).cumsum(-2)
    return sums.masked_fill(~within, -torch.inf)
