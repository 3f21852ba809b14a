"""The recurrent networks of ``torch.nn`` as memories: torch knows no resets.

There are two ways through the same weights. Torch's own kernel is cut wherever any row begins an
episode. Our recurrence takes no longer for episodes; but it is for CPUs, as a GPU waits for each
small step.
"""

from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from popgym.memory.base import Memory, check_size
from popgym.memory.ops.resets import clear_at_first_step, reset_steps
from popgym.memory.rnn.cell import Cell, Tensors
from popgym.memory.rnn.recurrence import run_cells


class TorchLayers(Memory):
    """One or several layers of a network of ``torch.nn``, each reading the outputs of the last."""

    network: ClassVar[type[nn.RNN] | type[nn.GRU] | type[nn.LSTM]]
    """Torch's class; in lower case, its name begins those of the weights."""

    cell: ClassVar[Cell]
    """The same network, step by step."""

    state_type: ClassVar[type[Any]]
    """A NamedTuple of the cell's states [B, num_layers * D], layer after layer."""

    fused_is_faster: ClassVar[bool] = False
    """Whether torch's kernel is, on a CPU, where no episode begins."""

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1) -> None:
        super().__init__(input_size, hidden_size)
        self.num_layers = check_size("num_layers", num_layers)
        layers = self.network(input_size, hidden_size, num_layers, batch_first=True)
        self.add_module(self.network.__name__.lower(), layers)

    @property
    def layers(self) -> nn.RNNBase:
        """Torch's module."""
        return getattr(self, self.network.__name__.lower())

    def initial_state(self, batch_size: int) -> Any:
        """Return states of zeros."""
        weight = next(self.layers.parameters())
        size = (batch_size, self.num_layers * self.output_size)
        return self.state_type(*(weight.new_zeros(size) for _ in self.state_type._fields))

    def forward(self, x: Tensor, state: Any, start: Tensor | None = None) -> tuple[Tensor, Any]:
        """Read x [B, T, F] to [B, T, D]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        cleared, start = clear_at_first_step(state, start)
        states = tuple(by_layer(field, self.num_layers) for field in cleared)
        stepwise = x.device.type == "cpu" and x.shape[1] > 1
        if stepwise and not (self.fused_is_faster and start is None):
            y, after = run_cells(self.cell, self.layers.all_weights, x, states, start)
        else:
            y, after = run_fused(self.layers, x, states, start)
        rows = (by_row(field).to(old.dtype) for field, old in zip(after, state, strict=True))
        return y, self.state_type(*rows)


def run_fused(
    layers: nn.RNNBase, x: Tensor, states: Tensors, start: Tensor | None
) -> tuple[Tensor, Tensors]:
    """Run torch's kernel between the steps at which any row begins an episode.

    Args:
        layers: torch's module.
        x: [B, T, F].
        states: [L, B, D], without what a start at the first step clears.
        start: [B, T] bool or None.

    Returns:
        y [B, T, D], and the states after the last step.
    """
    resets = reset_steps(start) or [None] * x.shape[1]
    cuts = [t for t, rows in enumerate(resets) if t and rows is not None]
    outputs = []
    for begin, end in pairwise([0, *cuts, x.shape[1]]):
        if begin and (rows := resets[begin]) is not None:
            states = tuple(state.masked_fill(rows, 0) for state in states)
        states = tuple(state.contiguous() for state in states)
        y, after = layers(x[:, begin:end], states if len(states) > 1 else states[0])
        states = after if isinstance(after, tuple) else (after,)
        outputs.append(y)
    return y if len(outputs) == 1 else torch.cat(outputs, 1), states


def by_layer(state: Tensor, num_layers: int) -> Tensor:
    """[B, L * D] -> [L, B, D]."""
    return state.unflatten(1, (num_layers, -1)).transpose(0, 1)


def by_row(state: Tensor) -> Tensor:
    """[L, B, D] -> [B, L * D]."""
    return state.transpose(0, 1).flatten(1)
