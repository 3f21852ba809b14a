"""Elman's simple recurrent network.

    hₜ = tanh(W xₜ + b + U hₜ₋₁)

Elman, "Finding Structure in Time" (1990), https://doi.org/10.1207/s15516709cog1402_1, with tanh
for the paper's logistic function, as in ``torch.nn.RNN``, whose weights are exchangeable with
these. With dₜ = ∂L/∂hₜ, later steps included, the pre-activation's gradient is daₜ = dₜ (1 − hₜ²),
and dₜ₋₁ = ∂L/∂yₜ₋₁ + Uᵀ daₜ.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from popgym.memory.rnn.cell import Cell, Tensors
from popgym.memory.rnn.torch_layers import TorchLayers

_aten = torch.ops.aten


class ElmanState(NamedTuple):
    """The hidden states."""

    hidden: Tensor  # [B, num_layers * D], layer after layer


class ElmanCell(Cell):
    """One gate, and no state but h."""

    def forward(
        self, a: Tensor, states: Tensors, u: Tensor, b_hh: Tensor, out: Tensor
    ) -> tuple[Tensors, Tensors]:
        """Keep nothing but h."""
        (h_t,) = states
        for a_t in a.unbind():
            h_t = a_t.addmm_(h_t, u.mT).tanh_()
        return (), (h_t,)

    def differentiate(
        self, saved: Tensors, h: Tensor, h_tm1: Tensor, dy: Tensor, d_states: Tensors, u: Tensor
    ) -> tuple[Tensor, Tensor, Tensors]:
        """Run the gradients' equations backwards over the steps."""
        (d_h,) = d_states
        da = dy.clone()
        for da_t, h_t in reversed([*zip(da.unbind(), h.unbind(), strict=True)]):
            da_t += d_h
            _aten.tanh_backward.grad_input(da_t, h_t, grad_input=da_t)
            d_h = da_t @ u
        return da, da, (d_h,)


class Elman(TorchLayers):
    """Elman's simple recurrent network, one or several layers.

    Args:
        input_size: F.
        hidden_size: D.
        num_layers: each reads the outputs of the one before it.

    Raises:
        ValueError: a size is less than 1.
    """

    source: ClassVar[str] = (
        "Elman, Finding Structure in Time, 1990, https://doi.org/10.1207/s15516709cog1402_1"
    )
    network = nn.RNN
    cell = ElmanCell()
    state_type = ElmanState
