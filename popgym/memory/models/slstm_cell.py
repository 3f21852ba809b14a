"""The sLSTM's cell in both directions; see ``slstm`` for its equations.

With i' and f' the stabilised gates, w = 1 where m comes from the forget gate, else 0, a dot marking
a pre-activation and dhₜ, dcₜ, dnₜ, dmₜ the gradients of the states after the step,

    dȯ = dhₜ (c/n) σ'(o)        dcₜ += dhₜ o/n        dnₜ −= dhₜ h/n        dmₜ −= dcₜ cₜ + dnₜ nₜ
    dż = dcₜ i' tanh'(z)        di̇ = (dcₜ z + dnₜ) i' + (1 − w) dmₜ
    dg = (dcₜ cₜ₋₁ + dnₜ nₜ₋₁) f' + w dmₜ        dḟ = dg σ(−ḟ)
    dcₜ₋₁ = dcₜ f'    dnₜ₋₁ = dnₜ f'    dmₜ₋₁ = dg    dhₜ₋₁ = Uᵀ [dż, di̇, dḟ, dȯ]
"""

import torch
from torch import Tensor
from torch.nn import functional

from popgym.memory.rnn.cell import Cell, Tensors

_aten = torch.ops.aten


class SLSTMCell(Cell):
    """The cell with pre-activations of z, i, f, o and the states h, c, n, m.

    m is −∞ before an episode's first step, whatever the forget gate of that step.
    """

    def read(
        self, a: Tensor, states: Tensors, u: Tensor, b_hh: Tensor, out: Tensor
    ) -> tuple[Tensors, Tensors]:
        """Keep c and n before each step, z, i', f', o and σ(−f)."""
        h_t, c_t, n_t, m_t = states
        # nothing is held yet: the first input gate counts, however small
        m_t = m_t.masked_fill(n_t == 0, -torch.inf)
        befores = tuple(torch.empty_like(out) for _ in range(2))
        not_f = torch.empty_like(out)
        views = zip(*(x.unbind() for x in (a, *befores, not_f, out)), strict=True)
        for a_t, c_tm1, n_tm1, not_f_t, out_t in views:
            c_tm1.copy_(c_t), n_tm1.copy_(n_t)
            a_t.addmm_(h_t, u.mT)
            z_t, i_t, f_t, o_t = a_t.chunk(4, 1)
            torch.neg(f_t, out=not_f_t).sigmoid_()
            log_f = functional.logsigmoid(f_t).add_(m_t)
            m_t = torch.maximum(log_f, i_t)
            i_t.sub_(m_t).exp_()
            torch.sub(log_f, m_t, out=f_t).exp_()
            c_t = torch.addcmul(f_t * c_t, i_t, z_t.tanh_())
            n_t = torch.addcmul(i_t, f_t, n_t)
            h_t = torch.mul(o_t.sigmoid_(), c_t / n_t, out=out_t)
        return (*befores, a, not_f), (h_t, c_t, n_t, m_t)

    def differentiate(
        self, saved: Tensors, h: Tensor, h_tm1: Tensor, dy: Tensor, d_states: Tensors, u: Tensor
    ) -> tuple[Tensor, Tensor, Tensors]:
        """Run the equations backwards over the steps."""
        c_tm1, n_tm1, gates, not_f = saved
        z, i, f, o = gates.chunk(4, 2)
        # what does not depend on later steps: all at once
        c, n = torch.addcmul(f * c_tm1, i, z), torch.addcmul(i, f, n_tm1)
        ratio = c / n
        dc_dh, dn_dh = o / n, -o * ratio / n
        do_dh, dz_dc = _aten.sigmoid_backward(ratio, o), _aten.tanh_backward(i, z)
        from_f = (f == 1).to(f.dtype)
        da = torch.empty_like(gates)
        d_h, d_c, d_n, d_m = d_states
        fields = (dy, c, n, dc_dh, dn_dh, do_dh, dz_dc, from_f, da, z, i, f, c_tm1, n_tm1, not_f)
        views = [*zip(*(x.unbind() for x in fields), strict=True)]
        for t in reversed(range(len(views))):
            dy_t, c_t, n_t, c_h, n_h, o_h, z_c, w, da_t, z_t, i_t, f_t, c_0, n_0, not_f_t = views[t]
            d_h = d_h + dy_t
            d_c, d_n = torch.addcmul(d_c, d_h, c_h), torch.addcmul(d_n, d_h, n_h)
            d_m = d_m - d_c * c_t - d_n * n_t
            d_m_f = d_m * w
            da_z, da_i, da_f, da_o = da_t.chunk(4, 1)
            torch.mul(d_c, z_c, out=da_z)
            torch.addcmul(d_m - d_m_f, torch.addcmul(d_n, d_c, z_t), i_t, out=da_i)
            d_m = torch.addcmul(d_m_f, d_c * c_0 + d_n * n_0, f_t)
            torch.mul(d_m, not_f_t, out=da_f)
            torch.mul(d_h, o_h, out=da_o)
            d_h, d_c, d_n = da_t @ u, d_c * f_t, d_n * f_t
        return da, da, (d_h, d_c, d_n, d_m)
