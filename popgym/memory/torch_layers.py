"""Two ways through the stacked recurrent layers of ``torch.nn``, which know no resets.

``read_fused`` runs torch's own kernel, cut wherever any row begins an episode. ``read_cells`` runs
the same weights through our own recurrence, which resets cost nothing.

Both take x [B, T, F], states [L, B, D] without what a start at the first step clears, and what
``reset_steps`` returns; both give y [B, T, D] and the states after the last step.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from popgym.memory.recurrence import Cell, Recurrence, Resets, Tensors


def read_fused(
    layers: nn.RNNBase, x: Tensor, states: Tensors, resets: Resets
) -> tuple[Tensor, Tensors]:
    """Run torch's kernel between the steps at which any row begins an episode."""
    outputs = []
    for begin, end in pairwise([0, *cuts(resets), x.shape[1]]):
        if resets and begin and (rows := resets[begin]) is not None:
            states = tuple(state.masked_fill(rows, 0) for state in states)
        states = tuple(state.contiguous() for state in states)
        y, after = layers(x[:, begin:end], states if len(states) > 1 else states[0])
        states = after if isinstance(after, tuple) else (after,)
        outputs.append(y)
    return torch.cat(outputs, 1), states


def cuts(resets: Resets) -> list[int]:
    """The steps after the first at which any row begins an episode."""
    return [t for t, rows in enumerate(resets or []) if t and rows is not None]


def read_cells(
    layers: nn.RNNBase, cell: type[Cell], x: Tensor, states: Tensors, resets: Resets
) -> tuple[Tensor, Tensors]:
    """Run the recurrence of ``cell`` layer by layer; on a CPU and not under autocast."""
    y, last = x.transpose(0, 1), []
    for weights, *before in zip(layers.all_weights, *states, strict=True):
        y, *after = Recurrence.apply(cell, resets, y.contiguous(), *weights, *before)  # [T, B, D]
        last.append([y[-1], *after])
    return y.transpose(0, 1), tuple(map(torch.stack, zip(*last, strict=True)))


def runs_cells(x: Tensor) -> bool:
    """Whether ``read_cells`` may run: it has no bfloat16, and a GPU waits for each small step."""
    return x.shape[1] > 1 and x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")


def by_layer(state: Tensor, num_layers: int) -> Tensor:
    """[B, L * D] -> [L, B, D]."""
    return state.unflatten(1, (num_layers, -1)).transpose(0, 1)


def by_row(state: Tensor) -> Tensor:
    """[L, B, D] -> [B, L * D]."""
    return state.transpose(0, 1).flatten(1)
