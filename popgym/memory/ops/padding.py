"""Forward pass of any memory over right-padded rows, the form in which RLlib passes sequences.

A row of n real steps is split into pieces whose lengths are powers of two that add up to n, longest
first. All rows with a piece of the same length share one call of the memory::

    n = 13   x x x x x x x x | x x x x |     | x |
    n = 10   x x x x x x x x |         | x x |   |

Here four calls compute 8, 4, 2 and 1 steps. Each row's state is the state after its own last step,
and the memory never sees the padding. There are at most log₂ T + 1 calls, which together compute
the real steps only. This works for every memory that obeys the laws.
"""

from typing import Any

import torch
from torch import Tensor

from popgym.memory.base import Memory


def forward_padded(memory: Memory, x: Tensor, state: Any, seq_lens: Tensor) -> tuple[Tensor, Any]:
    """Run a memory over rows of which only the first ``seq_lens`` steps are real.

    Args:
        memory: The memory.
        x: Inputs [B, T, F], right-padded. The padding may hold any values.
        state: State of the memory before the first step.
        seq_lens: Number of real steps of each row, integers [B] from 0 to T.

    Returns:
        Outputs [B, T, D], zero in the padding, and each row's state after its last real step.

    Raises:
        ValueError: If ``seq_lens`` does not fit x, or the memory rejects the shape or device of its
            arguments.
        TypeError: If ``seq_lens`` does not hold integers, or the memory rejects the type of its
            arguments.
    """
    lengths = _checked_lengths(seq_lens, x)
    T = x.shape[1]
    if min(lengths) == T:
        return memory(x, state)
    memory.check_arguments(x, state, None)
    lens = torch.tensor(lengths, device=x.device)
    places, outputs = [], []
    piece = 1 << (T.bit_length() - 1)
    while piece:
        rows = (lens & piece).nonzero().squeeze(1)
        if len(rows):
            begin = lens[rows] & -(2 * piece)
            steps = begin.unsqueeze(1) + torch.arange(piece, device=x.device)  # [rows, piece]
            y, after = memory(x[rows.unsqueeze(1), steps], _select(state, rows))
            state = _replace(state, rows, after)
            places.append((rows.unsqueeze(1) * T + steps).flatten())
            outputs.append(y.flatten(0, 1))
        piece //= 2
    return _scatter(outputs, places, x, memory.output_size), state


def _checked_lengths(seq_lens: Tensor, x: Tensor) -> list[int]:
    if x.dim() != 3:
        raise ValueError(f"x must be [B, T, F], got {list(x.shape)}")
    if seq_lens.is_floating_point() or seq_lens.is_complex():
        raise TypeError(f"seq_lens must hold integers, got {seq_lens.dtype}")
    B, T, _ = x.shape
    lengths: list[int] = seq_lens.tolist()
    if seq_lens.shape != (B,) or not lengths or min(lengths) < 0 or max(lengths) > T:
        raise ValueError(
            f"seq_lens must be [{B}] with values from 0 to {T} for x of {list(x.shape)}, "
            f"got {lengths}"
        )
    return lengths


def _select(state: Any, rows: Tensor) -> Any:
    return type(state)(*(field[rows] for field in state))


def _replace(state: Any, rows: Tensor, after: Any) -> Any:
    pairs = zip(state, after, strict=True)
    return type(state)(*(field.index_copy(0, rows, new) for field, new in pairs))


def _scatter(outputs: list[Tensor], places: list[Tensor], x: Tensor, size: int) -> Tensor:
    B, T, _ = x.shape
    if not outputs:
        return x.new_zeros(B, T, size)
    y = outputs[0].new_zeros(B * T, size)
    return y.index_copy(0, torch.cat(places), torch.cat(outputs)).view(B, T, size)
