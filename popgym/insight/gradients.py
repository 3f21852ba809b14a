"""Gradients of a memory's outputs with respect to its earlier inputs, for many steps at once.

Row i of a batch repeats an episode's inputs up to the step tᵢ, and its loss depends on the output
of that step only. Rows do not depend on each other. So one backward pass of the sum of all losses
gives, for every row, the gradients at all lags D = 0, 1, …

    ∂ loss(y_t) / ∂ x_{t−D}

Gradients are with respect to the inputs only; ``.grad`` of the parameters is not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from popgym.memory.base import Memory

STEPS_AT_ONCE = 8192
"""Steps of all rows of one backward pass."""

Losses = Callable[[Tensor, np.ndarray], Sequence[Tensor]]
"""Maps outputs [n, D] and their steps [n] to one or more losses, [n] each."""


class NoGradientError(Exception):
    """A memory through which no gradient flows back; the message says why."""


@contextmanager
def gradients_enabled() -> Iterator[None]:
    """Enable gradients, whatever mode the caller is in, and flush tiny numbers to zero.

    Gradients at large lags become smaller than 1e-38. A CPU takes up to twenty times as long to
    compute with such numbers as with zero.
    """
    flushed_before = (torch.tensor(1e-38) / 100).item() == 0
    torch.set_flush_denormal(True)
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        torch.set_flush_denormal(flushed_before)


def gradient_norms(
    memory: Memory, x: Tensor, steps: np.ndarray, lags: int, losses: Losses
) -> np.ndarray:
    """Compute norms of the gradients of losses at single steps.

    The episode begins at the initial state. The state before the first of the ``lags`` inputs is
    computed without gradients, so a row costs at most ``lags`` steps.

    Args:
        memory: The memory.
        x: Its inputs in one episode [T, F].
        steps: The steps t of the outputs, [n] ascending. A step may be repeated.
        lags: The number of lags L.
        losses: The K losses.

    Returns:
        Norms [K, n, L] in float64; column D is ‖∂ loss(y_t) / ∂ x_{t−D}‖, or NaN if D > t.

    Raises:
        NoGradientError: If no gradient reaches the inputs.
    """
    first = np.maximum(steps - (lags - 1), 0)
    states, found = _states_before(memory, x, first), []
    for rows in _groups(steps - first + 1):
        begin, end = first[rows], steps[rows]
        at = begin[:, None] + np.arange((end - begin).max() + 1)
        inputs = x[torch.from_numpy(at.clip(max=len(x) - 1))].requires_grad_()
        y, _ = memory(inputs, _batch(states[rows]))
        y_t = y[torch.arange(len(end)), torch.from_numpy(end - begin)]
        norms = np.stack([_norms(loss, inputs) for loss in losses(y_t, end)])
        found.append(_by_lag(norms, end - begin, lags))
    return np.concatenate(found, 1)


def inside(steps: np.ndarray, lags: int) -> np.ndarray:
    """Return whether the step t − D is one of the episode, for steps t [n] and all lags, [n, L]."""
    return steps[:, None] >= np.arange(lags)


def notes_on_lags(memory: Memory, longest: int, wanted: int, lags: int) -> list[str]:
    """Return what cannot be said about lags.

    Args:
        memory: The memory.
        longest: Steps of the longest episode.
        wanted: The number of lags that was asked for.
        lags: The number of lags that is measured.
    """
    notes = []
    if longest == 1:
        notes.append("episodes have one step, so there is no past")
    elif memory.receptive_field == 1:
        notes.append("the memory sees only the current input, so gradients at other lags are 0")
    if lags < wanted:
        notes.append(f"gradients at lags above {lags - 1:,} were not computed, to save time")
    return notes


def _norms(loss: Tensor, inputs: Tensor) -> np.ndarray:
    """Return the norms [n, W] of the gradients of losses [n] with respect to inputs [n, W, F]."""
    if not loss.requires_grad:
        raise NoGradientError("its outputs have no gradient")
    try:
        # the graph is kept for the next loss, and freed with it
        (gradient,) = torch.autograd.grad(loss.sum(), inputs, retain_graph=True, allow_unused=True)
    except RuntimeError as error:  # of torch, for example after an operation in place
        raise NoGradientError(" ".join(str(error).split())) from error
    if gradient is None:
        raise NoGradientError("no gradient reaches its inputs")
    # in double precision, because the square of a small number underflows
    return torch.linalg.vector_norm(gradient, dim=-1, dtype=torch.float64).numpy()


def _by_lag(norms: np.ndarray, last: np.ndarray, lags: int) -> np.ndarray:
    """Reorder norms [K, n, W] from the position in the row to the lag behind position ``last``."""
    position = last[:, None] - np.arange(lags)  # [n, L]
    picked = np.take_along_axis(norms, position.clip(min=0)[None], 2)
    return np.where(position >= 0, picked, np.nan)


@torch.no_grad()
def _states_before(memory: Memory, x: Tensor, steps: np.ndarray) -> list[Any]:
    """Return the states [1, ...] before the given steps, ascending, of inputs [T, F]."""
    state, now, found = memory.initial_state(1), 0, []
    for step in steps.tolist():
        if step > now:
            state, now = memory(x[None, now:step], state)[1], step
        found.append(state)
    return found


def _batch(states: Sequence[Any]) -> Any:
    """Return the states of single rows as one state."""
    return type(states[0])(*(torch.cat(field) for field in zip(*states, strict=True)))


def _groups(lengths: np.ndarray) -> Iterator[slice]:
    """Yield rows, given their lengths in ascending order, that are computed at once."""
    begin = 0
    while begin < len(lengths):
        end = begin + 1
        while end < len(lengths) and (end + 1 - begin) * lengths[end] <= STEPS_AT_ONCE:
            end += 1
        yield slice(begin, end)
        begin = end
