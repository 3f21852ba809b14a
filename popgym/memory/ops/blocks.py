"""Reading rows block by block, and each block again where gradients are."""

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

State = TypeVar("State")


def read_blocks(
    read: Callable[..., tuple[Tensor, State]],
    inputs: Iterable[Tensor],
    state: State,
    start: Tensor | None,
    length: int,
) -> tuple[Tensor, State]:
    """Read T steps, of which no more than ``length`` are held at once.

    Args:
        read: reads a block, ``read(*inputs, state, start) -> (y [B, S, ...], state)``.
        inputs: what it reads, each [B, T, ...].
        state: before the first step.
        start: [B, T] bool or None.
        length: the most steps S of a block.

    Returns:
        y [B, T, ...], and the state after the last step.
    """
    # split, as the gradient of each slice would be as long as the row
    starts = repeat(None) if start is None else start.split(length, 1)
    pieces = []
    for *block, block_start in zip(*(x.split(length, 1) for x in inputs), starts, strict=False):
        y, state = checkpoint(
            read, *block, state, block_start, use_reentrant=False, preserve_rng_state=False
        )
        pieces.append(y)
    return torch.cat(pieces, 1), state
