"""Recurrent networks of ``torch.nn`` as memories, with resets at episode starts.

``torch.nn`` cannot reset a state within a sequence. Therefore the same weights can be evaluated in
two ways. ``run_fused`` calls torch's kernel separately for each stretch of steps in which no row
begins an episode. ``popgym.memory.rnn.recurrence.run_cells`` runs its own recurrence, and takes no
longer if episodes begin. It is used on CPUs only: on a GPU, launching each small step takes too
long.
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
    """Base class of the recurrent networks of ``torch.nn`` with one or more layers.

    A subclass only sets the class attributes below and ``source``.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        num_layers: Number of layers; each takes the outputs of the previous one as inputs.

    Raises:
        ValueError: If a size is less than 1.
        TypeError: If a size is not an integer.
    """

    network: ClassVar[type[nn.RNN] | type[nn.GRU] | type[nn.LSTM]]
    """The class in ``torch.nn``. Its name in lower case is the prefix of the weights' names."""

    cell: ClassVar[Cell]
    """The same recurrence as one step and its gradients."""

    state_type: ClassVar[type[Any]]
    """NamedTuple of the cell's states, each [B, num_layers * D], layer after layer."""

    fused_is_faster: ClassVar[bool] = False
    """Whether torch's kernel is faster on a CPU if no episode begins within the sequence."""

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1) -> None:
        super().__init__(input_size, hidden_size)
        self.num_layers = check_size("num_layers", num_layers)
        layers = self.network(input_size, hidden_size, num_layers, batch_first=True)
        self.add_module(self.network.__name__.lower(), layers)

    @property
    def layers(self) -> nn.RNNBase:
        """The module of ``torch.nn``."""
        return getattr(self, self.network.__name__.lower())

    def initial_state(self, batch_size: int) -> Any:
        """Return a state of zeros."""
        weight = next(self.layers.parameters())
        size = (batch_size, self.num_layers * self.output_size)
        return self.state_type(*(weight.new_zeros(size) for _ in self.state_type._fields))

    def forward(self, x: Tensor, state: Any, start: Tensor | None = None) -> tuple[Tensor, Any]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
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
    """Run torch's kernel separately for each stretch of steps in which no row begins an episode.

    Args:
        layers: Module of ``torch.nn``.
        x: Inputs [B, T, F].
        states: States before the first step, each [L, B, D], already zero for rows that begin an
            episode at the first step.
        start: Episode start mask, [B, T] bool, or None if no episode begins.

    Returns:
        Outputs [B, T, D], and the states after the last step.
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
    """Reshape [B, L * D] to [L, B, D]."""
    return state.unflatten(1, (num_layers, -1)).transpose(0, 1)


def by_row(state: Tensor) -> Tensor:
    """Reshape [L, B, D] to [B, L * D]."""
    return state.transpose(0, 1).flatten(1)
