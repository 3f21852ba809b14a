"""Forward passes over blocks of steps, with each block recomputed for the backward pass."""

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

State = TypeVar("State")


def run_blocks(
    run: Callable[..., tuple[Tensor, State]],
    inputs: Iterable[Tensor],
    state: State,
    start: Tensor | None,
    length: int,
) -> tuple[Tensor, State]:
    """Run T steps in blocks, and hold the intermediate results of one block at a time.

    Args:
        run: Computes one block: ``run(*inputs, state, start) -> (y [B, S, ...], state)``.
        inputs: Inputs of ``run``, each [B, T, ...].
        state: State before the first step.
        start: Episode start mask [B, T] bool, or None.
        length: Largest number of steps S in a block.

    Returns:
        Outputs y [B, T, ...], and the state after the last step.
    """
    # split instead of slices: the gradient of each slice would be as long as the row
    starts = repeat(None) if start is None else start.split(length, 1)
    pieces = []
    for *block, block_start in zip(*(x.split(length, 1) for x in inputs), starts, strict=False):
        y, state = checkpoint(
            run, *block, state, block_start, use_reentrant=False, preserve_rng_state=False
        )
        pieces.append(y)
    return torch.cat(pieces, 1), state
