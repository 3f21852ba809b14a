"""Clearing of the state where an episode starts.

The episode start mask is copied to the host once per call, so that steps without resets cost
nothing. A state is cleared by replacing it with zeros. Multiplying it by 0 would keep NaN values
and pass them to the next episode.
"""

from typing import TypeVar

import torch
from torch import Tensor

from popgym.memory.ops.eager import is_exporting

State = TypeVar("State", bound=tuple[Tensor, ...])

Resets = list[Tensor | None] | None
"""The rows that begin an episode at each step, as ``reset_steps`` returns them."""


def clear_rows(tensor: Tensor, rows: Tensor) -> Tensor:
    """Return ``tensor`` [B, ...] with zeros in the rows that ``rows`` [B] marks."""
    rows = rows.view(-1, *[1] * (tensor.dim() - 1))
    # one pass; masked_fill copies first, and takes several times as long for a large state
    return torch.where(rows, tensor.new_zeros(()), tensor)


def clear_at(tensor: Tensor, resets: Resets, t: int) -> Tensor:
    """Return ``tensor`` [B, ...] with zeros in the rows that begin an episode at step ``t``.

    Args:
        tensor: State before step t.
        resets: Result of ``reset_steps``.
        t: Index of the step.
    """
    if resets is None or (rows := resets[t]) is None:
        return tensor
    return clear_rows(tensor, rows)


def clear_at_first_step(state: State, start: Tensor | None) -> tuple[State, Tensor | None]:
    """Clear the state in the rows whose first step begins an episode.

    Args:
        state: NamedTuple of tensors [B, ...].
        start: Episode start mask [B, T] bool, or None.

    Returns:
        The cleared state, and ``start``, or None if no later step begins an episode.
    """
    if start is None:
        return state, None
    state = type(state)(*(clear_rows(field, start[:, 0]) for field in state))
    # An exported program takes any mask, so that it cannot depend on this one.
    if start.shape[1] == 1 or not (is_exporting() or start[:, 1:].any()):
        return state, None
    return state, start


def reset_steps(start: Tensor | None) -> Resets:
    """Find the steps at which an episode begins in any row.

    Args:
        start: Episode start mask [B, T] bool, or None.

    Returns:
        A list with an entry for each of the T steps: the mask of the rows [B, 1] bool in which an
        episode begins at the step, or None if there are no such rows. If no step begins an
        episode, None instead of the list.
    """
    if start is None:
        return None
    # An exported program takes any mask: it looks for starts at every step.
    any_row = [True] * start.shape[1] if is_exporting() else start.any(0).tolist()
    if not any(any_row):
        return None
    rows = start.t().unsqueeze(-1)  # [T, B, 1]
    return [rows[t] if some else None for t, some in enumerate(any_row)]


def episode_starts(start: Tensor, before: int) -> Tensor:
    """Return, for each step, the step at which its episode began [B, T].

    Args:
        start: Episode start mask [B, T] bool.
        before: Value to return for an episode that began before the call.
    """
    t = torch.arange(start.shape[1], device=start.device)
    return torch.where(start, t, before).cummax(1).values


def episodes_of(start: Tensor) -> tuple[Tensor, Tensor]:
    """Return the beginnings and the lengths of the E episodes in the rows.

    Args:
        start: Episode start mask [B, T] bool. The values at the first step have no effect: every
            row begins with an episode, or with the rest of one.

    Returns:
        The index of each episode's first step among the B T steps, row after row [E], and each
        episode's length [E].
    """
    begins = start.clone()
    begins[:, 0] = True
    first = begins.flatten().nonzero().squeeze(1)
    return first, first.diff(append=first.new_tensor([start.numel()]))


def steps_in_episode(time: Tensor, num_steps: int, start: Tensor | None) -> Tensor:
    """Return the index of each step within its episode.

    Args:
        time: Number of steps of the episode before the first step, int64 [B, 1].
        num_steps: Number of steps T.
        start: Episode start mask [B, T] bool. None means that no step begins an episode.

    Returns:
        Step indices, int64 [B, T].
    """
    t = torch.arange(num_steps, device=time.device)
    if start is None:
        return time + t
    # The episode of step t began at the latest start up to t, or ``time`` steps before the row.
    return t - torch.where(start, t, -time).cummax(1).values
