"""The sLSTM: an LSTM with exponential gates, which can revise what it has stored.

    z = tanh(W_z x + R_z hₜ₋₁ + b_z)        ĩ = W_i x + R_i hₜ₋₁ + b_i
    o = σ(W_o x + R_o hₜ₋₁ + b_o)           f̃ = W_f x + R_f hₜ₋₁ + b_f
    cₜ = σ(f̃) cₜ₋₁ + exp(ĩ) z        nₜ = σ(f̃) nₜ₋₁ + exp(ĩ)        hₜ = o cₜ / nₜ

where z is the candidate, o is the output gate, ĩ and f̃ are the input and forget gates before their
activations, c is the cell, n is the normaliser, h is the output and σ is the logistic function. R
is block-diagonal: a unit depends on earlier outputs of the units of its own head.

To avoid overflow, c and n are stored divided by exp(mₜ), where mₜ = max(log σ(f̃) + mₜ₋₁, ĩ), and
m = ĩ at the first step of an episode, so that n is at least 1.

Beck et al., "xLSTM: Extended Long Short-Term Memory" (2024), section 2.2 and appendix A.2,
https://arxiv.org/abs/2405.04517. Of the paper's two forget gates this is the sigmoid, as in the
authors' program, https://github.com/NX-AI/xlstm. The biases are initialised as by the option
"small_init" of that program. Its default initialises b_f from 5 down to −7, with which most units
forget within a few steps. It initialises R with zeros; here R has torch's default initialisation.
The block that surrounds the cell in the paper is not included.
"""

import math
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from popgym.memory.base import Memory, Source, check_size
from popgym.memory.ops.resets import clear_at_first_step
from popgym.memory.rnn.cell import Cell, Tensors
from popgym.memory.rnn.recurrence import run_cells

_aten = torch.ops.aten


class SLSTMCell(Cell):
    """The cell of the sLSTM, with the pre-activations z, i, f, o and the states h, c, n, m.

    Before the first step of an episode, m counts as −∞: the forget gate has no effect on that step.

    Let i' and f' be the stabilised gates, w = 1 where m comes from the forget gate and 0 elsewhere,
    and dhₜ, dcₜ, dnₜ, dmₜ the gradients of the states after the step. The gradients of the
    pre-activations (marked with a dot) and of the states before the step are

        dȯ = dhₜ (c/n) σ'(o)      dcₜ += dhₜ o/n      dnₜ −= dhₜ h/n      dmₜ −= dcₜ cₜ + dnₜ nₜ
        dż = dcₜ i' tanh'(z)        di̇ = (dcₜ z + dnₜ) i' + (1 − w) dmₜ
        dg = (dcₜ cₜ₋₁ + dnₜ nₜ₋₁) f' + w dmₜ        dḟ = dg σ(−ḟ)
        dcₜ₋₁ = dcₜ f'    dnₜ₋₁ = dnₜ f'    dmₜ₋₁ = dg    dhₜ₋₁ = Uᵀ [dż, di̇, dḟ, dȯ]
    """

    def forward(
        self, a: Tensor, states: Tensors, u: Tensor, b_hh: Tensor, out: Tensor
    ) -> tuple[Tensors, Tensors]:
        """Compute the steps; save c and n before each step, z, i', f', o and σ(−f)."""
        h_t, c_t, n_t, m_t = states
        # n = 0 before the first step of an episode: the first input gate must set m, however small
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
        """Apply the equations of the class from the last step to the first."""
        c_tm1, n_tm1, gates, not_f = saved
        z, i, f, o = gates.chunk(4, 2)
        # everything that does not depend on later steps is computed for all steps at once
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
    """State: the last output, and sums over the episode divided by exp(m)."""

    h: Tensor  # [B, D]
    c: Tensor  # [B, D]
    n: Tensor  # [B, D], at least 1 after each step
    m: Tensor  # [B, D], the stabiliser


class SLSTM(Memory):
    """An sLSTM with one layer.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        num_heads: Number of heads, H; a divisor of D. Each head is a group of D / H units, which
            depend on earlier outputs of this group only.

    Raises:
        ValueError: If a size is less than 1, or if ``num_heads`` does not divide
            ``hidden_size``.
    """

    source: ClassVar[Source] = Source(
        "Beck et al.",
        "xLSTM: Extended Long Short-Term Memory",
        2024,
        "https://arxiv.org/abs/2405.04517",
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
        self.bias = nn.Parameter(torch.zeros(4, hidden_size))  # z, i, f, o
        # initially the units forget at different rates, over tens to hundreds of steps
        with torch.no_grad():
            self.bias[2] = torch.linspace(3, 6, size).repeat(num_heads)

    def initial_state(self, batch_size: int) -> SLSTMState:
        """Return a state of zeros."""
        return SLSTMState(*self.bias.new_zeros(4, batch_size, self.output_size).unbind())

    def forward(
        self, x: Tensor, state: SLSTMState, start: Tensor | None = None
    ) -> tuple[Tensor, SLSTMState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        state, start = clear_at_first_step(state, start)
        bias = self.bias.flatten()
        weights = (self.weight, self._recurrent_matrix(), bias, torch.zeros_like(bias))
        states = tuple(field.unsqueeze(0) for field in state)
        with torch.autocast(x.device.type, enabled=False):
            y, after = run_cells(SLSTMCell(), [weights], x.to(bias.dtype), states, start)
        return y, SLSTMState(*(field.squeeze(0) for field in after))

    def _recurrent_matrix(self) -> Tensor:
        """Return R [4 D, D], with one block for each head on the diagonal."""
        heads = torch.eye(self.num_heads, dtype=self.bias.dtype, device=self.bias.device)
        matrix = self.recurrent.unsqueeze(3) * heads.view(1, self.num_heads, 1, self.num_heads, 1)
        return matrix.reshape(4 * self.output_size, self.output_size)


def _uniform(*size: int, fan_in: int) -> Tensor:
    bound = 1 / math.sqrt(fan_in)
    return torch.empty(size).uniform_(-bound, bound)
