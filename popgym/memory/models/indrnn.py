"""The independently recurrent neural network: each unit remembers only itself.

    hₜ = φ(W xₜ + b + u ⊙ hₜ₋₁),  |u| ≤ 1,  φ = ReLU or tanh

Li et al., "Independently Recurrent Neural Network (IndRNN): Building a Longer and Deeper RNN"
(2018), https://arxiv.org/abs/1803.04831, equation 4; layers are stacked, so that the next layer's
W mixes the units. The paper bounds |u| by the T-th root of a constant for rows of T steps (section
4.1); the bound here is that for rows of any length, so that no state grows exponentially.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple, cast

import torch
from torch import Tensor, nn

from popgym.memory.base import Memory, check_size
from popgym.memory.ops.first_order import first_order
from popgym.memory.models.indrnn_cell import ACTIVATIONS, IndRNNCell
from popgym.memory.ops.linear import Linear
from popgym.memory.rnn.recurrence import read_cells
from popgym.memory.ops.resets import clear_at_first_step


class IndRNNState(NamedTuple):
    """The hidden states."""

    hidden: Tensor  # [B, num_layers, D]


class IndRNN(Memory):
    """An independently recurrent network, by default of two layers.

    Args:
        input_size: F.
        hidden_size: D.
        activation: φ, "relu" or "tanh".
        num_layers: each reads the outputs of the one before it.

    Raises:
        ValueError: a size is less than 1, or the activation is unknown.
    """

    source: ClassVar[str] = (
        "Li et al., Independently Recurrent Neural Network (IndRNN): Building a Longer and Deeper "
        "RNN, 2018, https://arxiv.org/abs/1803.04831"
    )

    def __init__(
        self, input_size: int, hidden_size: int, activation: str = "relu", num_layers: int = 2
    ) -> None:
        super().__init__(input_size, hidden_size)
        if activation not in ACTIVATIONS:
            allowed = " or ".join(f'"{name}"' for name in ACTIVATIONS)
            raise ValueError(f"activation must be {allowed}, got {activation!r}")
        self.activation = activation
        self.num_layers = check_size("num_layers", num_layers)
        sizes = [input_size] + [hidden_size] * (num_layers - 1)
        self.inputs = nn.ModuleList(Linear(size, hidden_size) for size in sizes)
        self.recurrent = nn.Parameter(torch.rand(num_layers, hidden_size))

    def initial_state(self, batch_size: int) -> IndRNNState:
        """Return hidden states of zeros."""
        return IndRNNState(self.recurrent.new_zeros(batch_size, *self.recurrent.shape))

    def forward(
        self, x: Tensor, state: IndRNNState, start: Tensor | None = None
    ) -> tuple[Tensor, IndRNNState]:
        """Read x [B, T, F] to [B, T, D]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        state, start = clear_at_first_step(state, start)
        layers = cast("Iterable[Linear]", self.inputs)
        us = _Bound.apply(self.recurrent).unbind()
        weights = [
            (layer.weight, u, layer.bias, torch.zeros_like(layer.bias))
            for layer, u in zip(layers, us, strict=True)
        ]
        hidden = (state.hidden.transpose(0, 1),)
        y, (after,) = read_cells(IndRNNCell(self.activation), weights, x, hidden, start)
        return y, IndRNNState(after.transpose(0, 1))


class _Bound(torch.autograd.Function):
    """min(max(u, −1), 1), with a gradient beyond the bound where it leads back.

    That of a clamp is 0 there and would leave a weight outside for ever.
    """

    @staticmethod
    def forward(ctx: Any, u: Tensor) -> Tensor:
        ctx.save_for_backward(u)
        return u.clamp(-1, 1)

    @staticmethod
    @first_order
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (u,) = ctx.saved_tensors
        # descent moves u against its gradient
        return gradient.masked_fill((u.abs() > 1) & (u * gradient < 0), 0)
