"""Rows cut into their episodes, so that a recurrence meets no reset.

Step k of all episodes that have one stands before their step k + 1, and the longest episode comes
first: what continues at a step are the first rows of the step before. Two rows of six steps, where
| begins an episode,

    a b c d | e f        step    0    1    2  3
    g | h i | j k l              ajheg bkif cl d

No step then waits for a state to be cleared, and the shorter the episodes, the fewer and larger
the steps. Cutting costs one copy of the inputs and one of the outputs.
"""

from typing import Any

import torch
from torch import Tensor

from popgym.memory.ops.resets import clear_rows, episodes_of


class Episodes:
    """Where each of N = B T steps stands.

    Args:
        rows: B.
        steps: T.
        start: [B, T] bool or None, whether a step is the first of an episode; whether a row's first
            step is one makes no difference here.
    """

    sizes: list[int]
    """For each step k, how many episodes have one; from B or more downwards."""

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
        """[B, T, F] -> [N, F], or [T, B, F] where no later step begins an episode."""
        if self._order is None:
            return x.transpose(0, 1).contiguous()
        return _Permute.apply(x.flatten(0, 1), self._order, self._place)

    def join(self, y: Tensor) -> Tensor:
        """What ``cut`` returns -> [B, T, D]."""
        if self._order is None:
            return y.transpose(0, 1)
        return _Permute.apply(y, self._place, self._order).unflatten(0, (self.rows, self.steps))

    def last(self, y: Tensor) -> Tensor:
        """The outputs [N, D] after each row's last step [B, D]."""
        if self._order is None:
            return y[-1]
        return y[self._place.view(self.rows, self.steps)[:, -1]]

    def before(self, state: Tensor) -> Tensor:
        """The states before each episode's first step, of those before each row's [B, D]."""
        return state if self._order is None else clear_rows(state[self._row], self._is_new)

    def after(self, state: Tensor) -> Tensor:
        """The states after each row's last step [B, D], of those after each episode's."""
        return state if self._order is None else state[self._last]


class _Permute(torch.autograd.Function):
    """x[order], whose gradient is gathered too; that of indexing is scattered, which is slow."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, order: Tensor, place: Tensor) -> Tensor:
        ctx.save_for_backward(order, place)
        return x.index_select(0, order)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        order, place = ctx.saved_tensors
        return _Permute.apply(dy, place, order), None, None
