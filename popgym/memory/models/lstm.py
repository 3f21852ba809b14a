"""Long short-term memory.

A cell state carries information over many steps; gates decide what is stored, kept and output.

    i = σ(W_i xₜ + b_i + U_i hₜ₋₁)       f = σ(W_f xₜ + b_f + U_f hₜ₋₁)
    g = tanh(W_g xₜ + b_g + U_g hₜ₋₁)    o = σ(W_o xₜ + b_o + U_o hₜ₋₁)
    cₜ = f ⊙ cₜ₋₁ + i ⊙ g                hₜ = o ⊙ tanh(cₜ)

where i, f and o are the input, forget and output gates, g is the candidate, cₜ is the cell state,
hₜ is the hidden state and the output, σ is the logistic function and ⊙ the elementwise product.

Hochreiter and Schmidhuber, "Long Short-Term Memory" (1997),
https://doi.org/10.1162/neco.1997.9.8.1735, with the forget gate f of Gers, Schmidhuber and Cummins,
"Learning to Forget" (2000), in the form of ``torch.nn.LSTM``. Weights can be exchanged with
``torch.nn.LSTM``.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from popgym.memory.base import Source
from popgym.memory.rnn.cell import Cell, Tensors
from popgym.memory.rnn.torch_layers import TorchLayers

_aten = torch.ops.aten


class LSTMCell(Cell):
    """The cell of the LSTM, with the gates i, f, g, o as in ``torch.nn.LSTM`` and states h and c.

    Let σ' = σ (1 − σ), tanh' = 1 − tanh² and dcₜ = ∂L/∂cₜ + ∂L/∂hₜ ⊙ oₜ tanh'(cₜ). The gradients
    of the pre-activations (marked with a dot) are

        di̇ = dcₜ g σ'(i)    dḟ = dcₜ cₜ₋₁ σ'(f)    dġ = dcₜ i tanh'(g)    dȯ = dhₜ tanh(cₜ) σ'(o)
        dcₜ₋₁ = dcₜ f       dhₜ₋₁ = Uᵀ [di̇, dḟ, dġ, dȯ]
    """

    def forward(
        self, a: Tensor, states: Tensors, u: Tensor, b_hh: Tensor, out: Tensor
    ) -> tuple[Tensors, Tensors]:
        """Run the steps; the gradients need cₜ₋₁, the gates and tanh cₜ."""
        h_t, c_t = states
        c_tm1, tanh_c = torch.empty_like(out), torch.empty_like(out)
        i, f, g, o = a.split(u.shape[1], 2)
        i_and_f = a[..., : 2 * u.shape[1]]
        # unbind once, because a view costs as much as a small operation
        views = zip(
            *(x.unbind() for x in (a, i_and_f, i, f, g, o, c_tm1, tanh_c, out)), strict=True
        )
        for a_t, i_and_f_t, i_t, f_t, g_t, o_t, c_tm1_t, tanh_c_t, out_t in views:
            c_tm1_t.copy_(c_t)
            a_t.addmm_(h_t, u.mT)
            i_and_f_t.sigmoid_()
            c_t = torch.addcmul(f_t * c_t, i_t, g_t.tanh_())
            h_t = torch.mul(o_t.sigmoid_(), torch.tanh(c_t, out=tanh_c_t), out=out_t)
        return (c_tm1, a, tanh_c), (h_t, c_t)

    def differentiate(
        self, saved: Tensors, h: Tensor, h_tm1: Tensor, dy: Tensor, d_states: Tensors, u: Tensor
    ) -> tuple[Tensor, Tensor, Tensors]:
        """Compute the gradients, from the last step to the first."""
        c_tm1, gates, tanh_c = saved
        i, f, g, o = gates.split(u.shape[1], 2)
        # the factors of dc and dh do not depend on them, so they are computed for all steps at once
        da = torch.empty_like(gates)
        da_i, da_f, da_g, da_o = da.split(u.shape[1], 2)
        _aten.sigmoid_backward.grad_input(g, i, grad_input=da_i)
        _aten.sigmoid_backward.grad_input(c_tm1, f, grad_input=da_f)
        _aten.tanh_backward.grad_input(i, g, grad_input=da_g)
        _aten.sigmoid_backward.grad_input(tanh_c, o, grad_input=da_o)
        dc_dh = _aten.tanh_backward(o, tanh_c)
        by_c = da.unflatten(2, (4, -1))[:, :, :3]
        d_h, d_c = d_states
        views = [*zip(*(x.unbind() for x in (dy, dc_dh, da, by_c, da_o, f)), strict=True)]
        for dy_t, dc_dh_t, da_t, by_c_t, da_o_t, f_t in reversed(views):
            d_h = d_h + dy_t
            d_c = torch.addcmul(d_c, d_h, dc_dh_t)
            by_c_t.mul_(d_c.unsqueeze(1))
            da_o_t.mul_(d_h)
            d_h, d_c = da_t @ u, d_c * f_t
        return da, da, (d_h, d_c)


class LSTMState(NamedTuple):
    """State: the hidden states and the cell states, layer after layer."""

    hidden: Tensor  # [B, num_layers * D], h
    cell: Tensor  # [B, num_layers * D], c


class LSTM(TorchLayers):
    """Long short-term memory with one or more layers."""

    source: ClassVar[Source] = Source(
        "Hochreiter and Schmidhuber",
        "Long Short-Term Memory",
        1997,
        "https://doi.org/10.1162/neco.1997.9.8.1735",
    )
    network = nn.LSTM
    cell = LSTMCell()
    state_type = LSTMState
    # measured with 16 rows, 128 features in and 256 out: it takes 5/6 of the time
    fused_is_faster = True
