"""The gated recurrent unit.

Two gates decide how much of the previous hidden state is kept and how much is replaced.

    r = σ(W_ir xₜ + b_ir + W_hr hₜ₋₁ + b_hr)
    z = σ(W_iz xₜ + b_iz + W_hz hₜ₋₁ + b_hz)
    n = tanh(W_in xₜ + b_in + r ⊙ (W_hn hₜ₋₁ + b_hn))
    hₜ = (1 − z) ⊙ n + z ⊙ hₜ₋₁

where r is the reset gate, z the update gate, n the candidate, hₜ the hidden state and the output,
σ the logistic function and ⊙ the elementwise product.

Cho et al., "Learning Phrase Representations using RNN Encoder–Decoder for Statistical Machine
Translation" (2014), https://arxiv.org/abs/1406.1078, in the form of ``torch.nn.GRU``: the reset
gate is applied after the product with W_hn. Weights can be exchanged with ``torch.nn.GRU``.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from popgym.memory.base import Source
from popgym.memory.rnn.cell import Cell, Tensors
from popgym.memory.rnn.torch_layers import TorchLayers

_aten = torch.ops.aten


class GRUCell(Cell):
    """The cell of the GRU, with the gates r, z, n as in ``torch.nn.GRU``. Its only state is h.

    Let σ' = σ (1 − σ), tanh' = 1 − tanh², m = W_hn hₜ₋₁ + b_hn, and let dₜ = ∂L/∂hₜ include the
    effect on later steps. The gradients of the pre-activations (marked with a dot) are

        dṅ = dₜ (1 − z) tanh'(n)    dż = dₜ (hₜ₋₁ − n) σ'(z)    dṙ = dṅ m σ'(r)    dm = dṅ r
        dₜ₋₁ = ∂L/∂yₜ₋₁ + dₜ z + Uᵀ [dṙ, dż, dm]
    """

    def input_bias(self, b_ih: Tensor, b_hh: Tensor) -> Tensor:
        """Return the sum of the biases, but without b_hn, which is part of m."""
        b_r, b_z, b_n = b_hh.chunk(3)
        return b_ih + torch.cat([b_r, b_z, torch.zeros_like(b_n)])

    def forward(
        self, a: Tensor, states: Tensors, u: Tensor, b_hh: Tensor, out: Tensor
    ) -> tuple[Tensors, Tensors]:
        """Run the steps; the gradients need the gates and m."""
        (h_t,) = states
        D = u.shape[1]
        u_rz, u_n, b_n = u[: 2 * D].mT, u[2 * D :].mT, b_hh[2 * D :]
        m = torch.empty_like(out)
        rz = a[..., : 2 * D]
        # unbind once, because a view costs as much as a small operation
        views = zip(*(x.unbind() for x in (rz, *a.chunk(3, 2), m, out)), strict=True)
        for rz_t, r_t, z_t, n_t, m_t, out_t in views:
            rz_t.addmm_(h_t, u_rz).sigmoid_()
            torch.addmm(b_n, h_t, u_n, out=m_t)
            n_t.addcmul_(r_t, m_t).tanh_()
            h_t = torch.lerp(n_t, h_t, z_t, out=out_t)
        return (a, m), (h_t,)

    def differentiate(
        self, saved: Tensors, h: Tensor, h_tm1: Tensor, dy: Tensor, d_states: Tensors, u: Tensor
    ) -> tuple[Tensor, Tensor, Tensors]:
        """Compute the gradients, from the last step to the first."""
        gates, m = saved
        r, z, n = gates.chunk(3, 2)
        # the factors of d do not depend on d, so they are computed for all steps at once
        dn_dh = _aten.tanh_backward(1 - z, n)
        du = torch.empty_like(gates)
        du_r, du_z, du_m = du.chunk(3, 2)
        _aten.sigmoid_backward.grad_input(dn_dh * m, r, grad_input=du_r)
        _aten.sigmoid_backward.grad_input(h_tm1 - n, z, grad_input=du_z)
        torch.mul(dn_dh, r, out=du_m)
        d = dy.clone()
        (d_h,) = d_states
        by_gate = du.unflatten(2, (3, -1))
        views = [*zip(*(x.unbind() for x in (d, du, by_gate, z)), strict=True)]
        for d_t, du_t, by_gate_t, z_t in reversed(views):
            d_t += d_h
            by_gate_t.mul_(d_t.unsqueeze(1))
            d_h = (d_t * z_t).addmm_(du_t, u)
        da = torch.cat([du[..., : 2 * u.shape[1]], dn_dh.mul_(d)], 2)
        return da, du, (d_h,)


class GRUState(NamedTuple):
    """State: the hidden states."""

    hidden: Tensor  # [B, num_layers * D], layer after layer


class GRU(TorchLayers):
    """A gated recurrent unit with one or more layers."""

    source: ClassVar[Source] = Source(
        "Cho et al.",
        "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine "
        "Translation",
        2014,
        "https://arxiv.org/abs/1406.1078",
    )
    network = nn.GRU
    cell = GRUCell()
    state_type = GRUState
