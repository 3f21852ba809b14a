"""Sliding windows for attention: blocks of steps, each with the W steps before it.

Attention over the last W steps is computed for blocks of C steps: C queries with W + C keys, of
which each query uses a band. A block holds steps of one episode only. Window steps that belong to
another episode are replaced with zeros before any product. Time and memory grow linearly with T.

Example: two rows of six steps with an episode start (|), W = 2 and C = 2. A dot is an empty place,
and (a b) is the window of a block::

    k l   a b c | d e f         (k l) a b   (a b) c ·   (· ·) d e   (d e) f ·
    · k   a b c d e f           (· k) a b   (a b) c d   (c d) e f

The steps k and l before the rows come from the call before. In the second row, only k belongs to
the row's first episode.
"""

import torch
from torch import Tensor
from torch.nn import functional

from popgym.memory.ops.resets import clear_rows, steps_in_episode


class SlidingWindow:
    """The places of the steps of B rows in n blocks of C steps, and in the blocks' windows.

    Args:
        kept: How many of the W steps before each row belong to the row's first episode, int64
            [B, 1]. It is 0 in rows whose first step begins an episode.
        steps: Number of steps T.
        start: Episode start mask [B, T] bool, or None.
        window: Number of earlier steps W.
        length: Block length C.
    """

    mask: Tensor
    """Steps that each step of a block attends to, [B, n, C, W + C] bool."""

    held: Tensor
    """Mask of those of the last W steps that belong to the row's last episode, [B, W] bool."""

    def __init__(
        self, kept: Tensor, steps: int, start: Tensor | None, window: int, length: int
    ) -> None:
        self.window, self.length = window, length
        age = steps_in_episode(kept, steps, start)  # [B, T], from the first step that is kept
        self.held = torch.arange(window - 1, -1, -1, device=kept.device) <= age[:, -1:]
        self._cuts = start is not None
        t = torch.arange(steps, device=kept.device)
        in_block = torch.minimum(age, t).remainder(length)
        block = (in_block == 0).cumsum(1) - 1  # [B, T]
        # without starts, step t is in block t // C, and nothing has to be read from the device
        self.count = -(-steps // length) if start is None else int(block[:, -1].max()) + 1
        self._places = block * length + in_block
        # [B, n C]: the step at each place, or T at an empty place
        self._steps = torch.full_like(age[:, :1], steps).repeat(1, self.count * length)
        self._steps.scatter_(1, self._places, t.expand_as(age))
        own = self._steps.unflatten(1, (-1, length))  # [B, n, C]
        first = own[:, :, :1]
        before = first + torch.arange(-window, 0, device=kept.device)  # [B, n, W]
        oldest = first - functional.pad(age, (0, 1)).gather(1, first.squeeze(2)).unsqueeze(2)
        seen = (before >= oldest) & (first < steps)
        # indices into the W + T steps of a row; W + T stands for an empty place
        self._keys = torch.cat([before.masked_fill(~seen, steps), own], 2) + window
        band = torch.ones(length, window + length, dtype=torch.bool, device=kept.device)
        self.mask = (self._keys < window + steps).unsqueeze(2) & band.tril(window).triu()

    def blocks(self, x: Tensor) -> Tensor:
        """Split rows into blocks, with zeros at empty places: [B, T, ...] -> [B, n, C, ...]."""
        return _take(x, self._steps).unflatten(1, (self.count, self.length))

    def windows(self, x: Tensor) -> Tensor:
        """Gather each block with its window, with zeros for steps of other episodes.

        [B, W + T, ...] -> [B, n, W + C, ...].
        """
        return _take(x, self._keys.flatten(1)).unflatten(1, (self.count, -1))

    def join(self, y: Tensor) -> Tensor:
        """Undo ``blocks``: [B, n, C, ...] -> [B, T, ...]."""
        return _rows(y.flatten(1, 2), self._places)

    def keep(self, x: Tensor) -> Tensor:
        """Return the last W steps of x [B, W + T, ...], with zeros for earlier episodes."""
        last = x[:, x.shape[1] - self.window :]
        if not self._cuts:
            return last
        return clear_rows(last.flatten(0, 1), ~self.held.flatten()).view_as(last)


def _take(x: Tensor, index: Tensor) -> Tensor:
    """Gather steps of x [B, S, ...] by index [B, I]; the index S gives zeros: [B, I, ...]."""
    nothing = x.new_zeros(len(x), 1, *x.shape[2:])
    return _rows(torch.cat([x, nothing], 1), index)


def _rows(x: Tensor, index: Tensor) -> Tensor:
    begins = torch.arange(len(x), device=x.device).unsqueeze(1) * x.shape[1]
    # index_select: its gradient is several times as fast as that of gather
    return x.flatten(0, 1).index_select(0, (index + begins).flatten()).unflatten(0, index.shape)
