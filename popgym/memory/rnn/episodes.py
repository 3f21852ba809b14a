"""Reordering of rows by episode, so that a recurrence needs no resets.

All episodes run in parallel and are sorted by length, longest first. Step k of every episode is
stored before step k + 1 of any episode. The episodes that continue at a step are therefore the
first rows of the step before. Example: two rows of six steps, where | begins an episode::

    a b c d | e f        step    0    1    2  3
    g | h i | j k l              ajheg bkif cl d

No state has to be cleared during the recurrence. The shorter the episodes, the fewer steps are
computed one after the other, and the more rows each of them has. The cost is one copy of the inputs
and one of the outputs.
"""

from typing import Any

import torch
from torch import Tensor

from popgym.memory.ops.resets import clear_rows, episodes_of


class Episodes:
    """The place of each of the N = B T steps after reordering by episode.

    Args:
        rows: Number of rows B.
        steps: Number of steps T.
        start: Episode start mask [B, T] bool, or None. The value at a row's first step has no
            effect here.
    """

    sizes: list[int]
    """Number of episodes that have a step k, for each k. It never increases; the first is at least
    B."""

    def __init__(self, rows: int, steps: int, start: Tensor | None) -> None:
        self.rows, self.steps = B, T = rows, steps
        self._order: Tensor | None = None
        if start is None:
            self.sizes = [B] * T
            return
        first, lengths = episodes_of(start)
        longest_first = lengths.argsort(descending=True, stable=True)
        rank = torch.empty_like(longest_first)
        rank[longest_first] = torch.arange(len(first), device=rank.device)
        episode = torch.repeat_interleave(lengths)
        step = torch.arange(B * T, device=rank.device) - first[episode]
        self.sizes = torch.bincount(step).tolist()
        self._order = (step * len(first) + rank[episode]).argsort()
        self._place = torch.empty_like(self._order)
        self._place[self._order] = torch.arange(B * T, device=rank.device)
        first = first[longest_first]
        self._row, self._is_new = first // T, first % T != 0
        self._last = rank[episode.view(B, T)[:, -1]]

    def cut(self, x: Tensor) -> Tensor:
        """Reorder x [B, T, F] by episode: [N, F], or [T, B, F] if no episode begins in a row."""
        if self._order is None:
            return x.transpose(0, 1).contiguous()
        return _Permute.apply(x.flatten(0, 1), self._order, self._place)

    def join(self, y: Tensor) -> Tensor:
        """Undo the reordering of ``cut``: [N, D] or [T, B, D] -> [B, T, D]."""
        if self._order is None:
            return y.transpose(0, 1)
        return _Permute.apply(y, self._place, self._order).unflatten(0, (self.rows, self.steps))

    def last(self, y: Tensor) -> Tensor:
        """Return, of the reordered outputs [N, D], those of each row's last step [B, D]."""
        if self._order is None:
            return y[-1]
        return y[self._place.view(self.rows, self.steps)[:, -1]]

    def before(self, state: Tensor) -> Tensor:
        """Return the state before each episode, given the state before each row [B, D]."""
        return state if self._order is None else clear_rows(state[self._row], self._is_new)

    def after(self, state: Tensor) -> Tensor:
        """Return the state after each row [B, D], given the state after each episode."""
        return state if self._order is None else state[self._last]


class _Permute(torch.autograd.Function):
    """x[order], with a gather as its gradient. Plain indexing scatters its gradient, slowly."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, order: Tensor, place: Tensor) -> Tensor:
        ctx.save_for_backward(order, place)
        return x.index_select(0, order)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        order, place = ctx.saved_tensors
        return _Permute.apply(dy, place, order), None, None
