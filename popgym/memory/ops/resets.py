"""Clearing a state where an episode starts.

Starts are looked up once a call on the host, so that a call without resets pays nothing for them.
A state is cleared by choosing zeros, not by a product: NaN · 0 is NaN, and what one episode left
behind must not reach the next.
"""

from typing import TypeVar

import torch
from torch import Tensor

State = TypeVar("State", bound=tuple[Tensor, ...])

Resets = list[Tensor | None] | None
"""The rows that begin an episode at each step, as ``reset_steps`` returns them."""


def clear_rows(tensor: Tensor, rows: Tensor) -> Tensor:
    """Return ``tensor`` [B, ...] with zeros in the rows that ``rows`` [B] marks."""
    rows = rows.view(-1, *[1] * (tensor.dim() - 1))
    # one pass where masked_fill copies first: several times as fast for a large state
    return torch.where(rows, tensor.new_zeros(()), tensor)


def clear_at(tensor: Tensor, resets: Resets, t: int) -> Tensor:
    """Return ``tensor`` [B, ...] with zeros in the rows that begin an episode at step ``t``.

    Args:
        tensor: State before step t.
        resets: What ``reset_steps`` returned.
        t: Index of the step.
    """
    if resets is None or (rows := resets[t]) is None:
        return tensor
    return clear_rows(tensor, rows)


def clear_at_first_step(state: State, start: Tensor | None) -> tuple[State, Tensor | None]:
    """Clear the state where an episode begins at the call's first step.

    Args:
        state: a NamedTuple of tensors [B, ...].
        start: [B, T] bool or None.

    Returns:
        The state to begin with, and ``start``, or None where no later step begins an episode.
    """
    if start is None:
        return state, None
    state = type(state)(*(clear_rows(field, start[:, 0]) for field in state))
    if start.shape[1] == 1 or not start[:, 1:].any():
        return state, None
    return state, start


def reset_steps(start: Tensor | None) -> Resets:
    """Look up the steps at which any row begins an episode.

    Args:
        start: [B, T] bool or None.

    Returns:
        For each of the T steps the rows [B, 1] that begin an episode there, or None where none
        does; None in place of the list where no step does.
    """
    if start is None:
        return None
    any_row = start.any(0).tolist()
    if not any(any_row):
        return None
    rows = start.t().unsqueeze(-1)  # [T, B, 1]
    return [rows[t] if some else None for t, some in enumerate(any_row)]


def episode_starts(start: Tensor, before: int) -> Tensor:
    """Return [B, T]: the step at which the episode of each step began.

    Args:
        start: [B, T] bool.
        before: what stands for an episode that began before the call.
    """
    t = torch.arange(start.shape[1], device=start.device)
    return torch.where(start, t, before).cummax(1).values


def episodes_of(start: Tensor) -> tuple[Tensor, Tensor]:
    """Return [E] twice: where episodes begin among the B T steps, row after row; their lengths.

    Args:
        start: [B, T] bool; whether a row's first step is set makes no difference.
    """
    begins = start.clone()
    begins[:, 0] = True
    first = begins.flatten().nonzero().squeeze(1)
    return first, first.diff(append=first.new_tensor([start.numel()]))


def steps_in_episode(time: Tensor, num_steps: int, start: Tensor | None) -> Tensor:
    """Index of each step within its episode.

    Args:
        time: Steps already played before the first one, int64 [B, 1].
        num_steps: T.
        start: [B, T] bool, whether a step is the first of an episode; None: none is.

    Returns:
        int64 [B, T].
    """
    t = torch.arange(num_steps, device=time.device)
    if start is None:
        return time + t
    # The episode of step t began at the latest start up to t, else `time` steps before the row.
    return t - torch.where(start, t, -time).cummax(1).values
