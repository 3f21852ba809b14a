"""The sLSTM: an LSTM with exponential gates, which can revise what it has stored.

    z = tanh(W_z x + R_z hₜ₋₁ + b_z)        ĩ = W_i x + R_i hₜ₋₁ + b_i
    o = σ(W_o x + R_o hₜ₋₁ + b_o)           f̃ = W_f x + R_f hₜ₋₁ + b_f
    cₜ = σ(f̃) cₜ₋₁ + exp(ĩ) z        nₜ = σ(f̃) nₜ₋₁ + exp(ĩ)        hₜ = o cₜ / nₜ

So that no exponential overflows, c and n are kept divided by exp(mₜ), with
mₜ = max(log σ(f̃) + mₜ₋₁, ĩ), and m = ĩ at an episode's first step, so that n is at least 1. R is
block-diagonal: units remember what other units of the same head held.

Beck et al., "xLSTM: Extended Long Short-Term Memory" (2024), section 2.2 and appendix A.2,
https://arxiv.org/abs/2405.04517; of the two forget gates there, the sigmoid, as in the authors'
program, https://github.com/NX-AI/xlstm, whose option "small_init" the biases follow. By default
b_f falls from 5 to −7 there, with which most units would forget within a few steps, and R begins as
zeros, here as torch's weights. The bare cell, without the block around it.
"""

import math
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from popgym.memory.base import Memory, check_size
from popgym.memory.ops.resets import clear_at_first_step
from popgym.memory.rnn.cell import Cell, Tensors
from popgym.memory.rnn.recurrence import run_cells

_aten = torch.ops.aten


class SLSTMCell(Cell):
    """The cell with pre-activations of z, i, f, o and the states h, c, n, m.

    m is −∞ before an episode's first step, whatever the forget gate of that step.

    With i' and f' the stabilised gates, w = 1 where m comes from the forget gate and else 0, and
    dhₜ, dcₜ, dnₜ, dmₜ the gradients of the states after the step, the gradients of the
    pre-activations (with a dot) and of the states before the step are

        dȯ = dhₜ (c/n) σ'(o)      dcₜ += dhₜ o/n      dnₜ −= dhₜ h/n      dmₜ −= dcₜ cₜ + dnₜ nₜ
        dż = dcₜ i' tanh'(z)        di̇ = (dcₜ z + dnₜ) i' + (1 − w) dmₜ
        dg = (dcₜ cₜ₋₁ + dnₜ nₜ₋₁) f' + w dmₜ        dḟ = dg σ(−ḟ)
        dcₜ₋₁ = dcₜ f'    dnₜ₋₁ = dnₜ f'    dmₜ₋₁ = dg    dhₜ₋₁ = Uᵀ [dż, di̇, dḟ, dȯ]
    """

    def forward(
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


class SLSTMState(NamedTuple):
    """The output, and sums over the episode divided by the exponential of their stabiliser."""

    h: Tensor  # [B, D]
    c: Tensor  # [B, D]
    n: Tensor  # [B, D], at least 1 after any step
    m: Tensor  # [B, D], the stabiliser


class SLSTM(Memory):
    """An sLSTM of one layer.

    Args:
        input_size: F.
        hidden_size: D.
        num_heads: H, groups of units that do not see each other's outputs; it divides D.

    Raises:
        ValueError: a size is less than 1, or ``num_heads`` does not divide ``hidden_size``.
    """

    source: ClassVar[str] = (
        "Beck et al., xLSTM: Extended Long Short-Term Memory, 2024, "
        "https://arxiv.org/abs/2405.04517"
    )

    def __init__(self, input_size: int, hidden_size: int, num_heads: int = 1) -> None:
        super().__init__(input_size, hidden_size)
        if hidden_size % check_size("num_heads", num_heads):
            raise ValueError(
                f"num_heads must divide hidden_size {hidden_size}, got {num_heads}: "
                f"it may be one of {[h for h in range(1, hidden_size + 1) if not hidden_size % h]}"
            )
        self.num_heads = num_heads
        size = hidden_size // num_heads
        self.weight = nn.Parameter(_uniform(4 * hidden_size, input_size, fan_in=input_size))
        self.recurrent = nn.Parameter(_uniform(4, num_heads, size, size, fan_in=size))
        self.bias = nn.Parameter(torch.zeros(4, hidden_size))  # of z, i, f, o
        # at first the units forget at different paces, over tens to hundreds of steps
        with torch.no_grad():
            self.bias[2] = torch.linspace(3, 6, size).repeat(num_heads)

    def initial_state(self, batch_size: int) -> SLSTMState:
        """Return zeros."""
        return SLSTMState(*self.bias.new_zeros(4, batch_size, self.output_size).unbind())

    def forward(
        self, x: Tensor, state: SLSTMState, start: Tensor | None = None
    ) -> tuple[Tensor, SLSTMState]:
        """Read x [B, T, F] to [B, T, D]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        state, start = clear_at_first_step(state, start)
        bias = self.bias.flatten()
        weights = (self.weight, self._recurrent_matrix(), bias, torch.zeros_like(bias))
        states = tuple(field.unsqueeze(0) for field in state)
        with torch.autocast(x.device.type, enabled=False):
            y, after = run_cells(SLSTMCell(), [weights], x.to(bias.dtype), states, start)
        return y, SLSTMState(*(field.squeeze(0) for field in after))

    def _recurrent_matrix(self) -> Tensor:
        """R with its heads on the diagonal [4 D, D]."""
        heads = torch.eye(self.num_heads, dtype=self.bias.dtype, device=self.bias.device)
        matrix = self.recurrent.unsqueeze(3) * heads.view(1, self.num_heads, 1, self.num_heads, 1)
        return matrix.reshape(4 * self.output_size, self.output_size)


def _uniform(*size: int, fan_in: int) -> Tensor:
    bound = 1 / math.sqrt(fan_in)
    return torch.empty(size).uniform_(-bound, bound)
