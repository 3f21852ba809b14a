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

from popgym.memory.base import Memory, check_size
from popgym.memory.rnn.recurrence import read_cells
from popgym.memory.ops.resets import clear_at_first_step
from popgym.memory.models.slstm_cell import SLSTMCell


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
            y, after = read_cells(SLSTMCell(), [weights], x.to(bias.dtype), states, start)
        return y, SLSTMState(*(field.squeeze(0) for field in after))

    def _recurrent_matrix(self) -> Tensor:
        """R with its heads on the diagonal [4 D, D]."""
        heads = torch.eye(self.num_heads, dtype=self.bias.dtype, device=self.bias.device)
        matrix = self.recurrent.unsqueeze(3) * heads.view(1, self.num_heads, 1, self.num_heads, 1)
        return matrix.reshape(4 * self.output_size, self.output_size)


def _uniform(*size: int, fan_in: int) -> Tensor:
    bound = 1 / math.sqrt(fan_in)
    return torch.empty(size).uniform_(-bound, bound)
