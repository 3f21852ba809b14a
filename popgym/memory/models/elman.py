"""Elman's simple recurrent network.

The hidden state is a single nonlinear layer of the input and the previous hidden state.

    hₜ = tanh(W xₜ + b + U hₜ₋₁)

where hₜ is the hidden state and the output, W and U are weight matrices and b is the bias.

Elman, "Finding Structure in Time" (1990), https://doi.org/10.1207/s15516709cog1402_1. As in
``torch.nn.RNN``, tanh replaces the logistic function of the paper. Weights can be exchanged with
``torch.nn.RNN``.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from popgym.memory.base import Source
from popgym.memory.rnn.cell import Cell, Tensors
from popgym.memory.rnn.torch_layers import TorchLayers

_aten = torch.ops.aten


class ElmanState(NamedTuple):
    """State: the hidden states."""

    hidden: Tensor  # [B, num_layers * D], layer after layer


class ElmanCell(Cell):
    """The cell of Elman's network. It has one pre-activation, and its only state is h.

    Let dₜ = ∂L/∂hₜ include the effect on later steps. The gradient of the pre-activation is
    daₜ = dₜ (1 − hₜ²), and dₜ₋₁ = ∂L/∂yₜ₋₁ + Uᵀ daₜ.
    """

    def forward(
        self, a: Tensor, states: Tensors, u: Tensor, b_hh: Tensor, out: Tensor
    ) -> tuple[Tensors, Tensors]:
        """Run the steps; the gradients need only h."""
        (h_t,) = states
        for a_t in a.unbind():
            h_t = a_t.addmm_(h_t, u.mT).tanh_()
        return (), (h_t,)

    def differentiate(
        self, saved: Tensors, h: Tensor, h_tm1: Tensor, dy: Tensor, d_states: Tensors, u: Tensor
    ) -> tuple[Tensor, Tensor, Tensors]:
        """Compute the gradients, from the last step to the first."""
        (d_h,) = d_states
        da = dy.clone()
        for da_t, h_t in reversed([*zip(da.unbind(), h.unbind(), strict=True)]):
            da_t += d_h
            _aten.tanh_backward.grad_input(da_t, h_t, grad_input=da_t)
            d_h = da_t @ u
        return da, da, (d_h,)


class Elman(TorchLayers):
    """Elman's simple recurrent network with one or more layers."""

    source: ClassVar[Source] = Source(
        "Elman",
        "Finding Structure in Time",
        1990,
        "https://doi.org/10.1207/s15516709cog1402_1",
    )
    network = nn.RNN
    cell = ElmanCell()
    state_type = ElmanState
