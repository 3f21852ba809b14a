"""Blocks of steps, each with the window of the W steps before it, over rows of several episodes.

Attention to the last W steps is computed for C steps at once: C queries against W + C keys, of
which a band is used. A block holds steps of one episode alone, and of its window what belongs to
another is taken out before anything is multiplied. Two rows of six steps with a start (|), W = 2,
C = 2; `·` is nothing, and (a b) the window::

    k l   a b c | d e f         (k l) a b   (a b) c ·   (· ·) d e   (d e) f ·
    · k   a b c d e f           (· k) a b   (a b) c d   (c d) e f

Before the row's first step are the W steps kept from the call before; k and l here, of which the
second row has one. So time and memory grow linearly with T.
"""

import torch
from torch import Tensor
from torch.nn import functional

from popgym.memory.ops.resets import clear_rows, steps_in_episode


class SlidingWindow:
    """Where the steps of B rows lie in n blocks of C, and what lies in the windows before these.

    Args:
        kept: how many of the W steps before the row belong to its first episode, int64 [B, 1].
        steps: T.
        start: [B, T] bool or None; what it says of the first step is for ``kept``.
        window: W.
        length: C.
    """

    mask: Tensor
    """[B, n, C, W + C] bool: what each step of a block may look at."""

    held: Tensor
    """[B, W] bool: which of the last W steps belong to the row's last episode."""

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
        self.count = int(block[:, -1].max()) + 1
        self._places = block * length + in_block
        # [B, n C], the step at each place; T where there is none
        self._steps = torch.full_like(age[:, :1], steps).repeat(1, self.count * length)
        self._steps.scatter_(1, self._places, t.expand_as(age))
        own = self._steps.unflatten(1, (-1, length))  # [B, n, C]
        first = own[:, :, :1]
        before = first + torch.arange(-window, 0, device=kept.device)  # [B, n, W]
        oldest = first - functional.pad(age, (0, 1)).gather(1, first.squeeze(2)).unsqueeze(2)
        seen = (before >= oldest) & (first < steps)
        # among the W + T steps of a row and a last one that is nothing
        self._keys = torch.cat([before.masked_fill(~seen, steps), own], 2) + window
        band = torch.ones(length, window + length, dtype=torch.bool, device=kept.device)
        self.mask = (self._keys < window + steps).unsqueeze(2) & band.tril(window).triu()

    def blocks(self, x: Tensor) -> Tensor:
        """[B, T, ...] -> [B, n, C, ...], with zeros where a block has no step."""
        return _take(x, self._steps).unflatten(1, (self.count, self.length))

    def windows(self, x: Tensor) -> Tensor:
        """[B, W + T, ...] -> [B, n, W + C, ...], with zeros for what is not to be seen."""
        return _take(x, self._keys.flatten(1)).unflatten(1, (self.count, -1))

    def join(self, y: Tensor) -> Tensor:
        """[B, n, C, ...] -> [B, T, ...]."""
        return _rows(y.flatten(1, 2), self._places)

    def keep(self, x: Tensor) -> Tensor:
        """Take the last W of x [B, W + T, ...], with zeros for those of an earlier episode."""
        last = x[:, x.shape[1] - self.window :]
        if not self._cuts:
            return last
        return clear_rows(last.flatten(0, 1), ~self.held.flatten()).view_as(last)


def _take(x: Tensor, index: Tensor) -> Tensor:
    """Rows of x [B, S, ...] by index [B, I], where S stands for zeros: [B, I, ...]."""
    nothing = x.new_zeros(len(x), 1, *x.shape[2:])
    return _rows(torch.cat([x, nothing], 1), index)


def _rows(x: Tensor, index: Tensor) -> Tensor:
    begins = torch.arange(len(x), device=x.device).unsqueeze(1) * x.shape[1]
    # index_select, as its gradient is several times as fast as that of gather
    return x.flatten(0, 1).index_select(0, (index + begins).flatten()).unflatten(0, index.shape)
