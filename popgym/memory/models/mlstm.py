"""The mLSTM: an LSTM whose cell is a matrix of keys and values, with exponential gates.

    q, k, v, o = W_q x, W_k x / √K, W_v x, σ(W_o x)        ĩ = w_i · x + b_i,  f̃ = w_f · x + b_f
    Cₜ = σ(f̃ₜ) Cₜ₋₁ + exp(ĩₜ) kₜ ⊗ vₜ        nₜ = σ(f̃ₜ) nₜ₋₁ + exp(ĩₜ) kₜ                  a head
    yₜ = W_y (oₜ ⊙ LN(qₜ Cₜ / max(|qₜ · nₜ|, 1))) + b_y

So that no exponential overflows, C and n are kept divided by exp(mₜ), with
mₜ = max(log σ(f̃ₜ) + mₜ₋₁, ĩₜ) and m₀ = 0; then exp(−mₜ) stands in the place of the 1.

Beck et al., "xLSTM: Extended Long Short-Term Memory" (2024), section 2.3 and appendix A.3,
https://arxiv.org/abs/2405.04517; the normalisation LN of each head and the linear map W_y are those
of the block around it (figure 11), in which a SiLU takes the place of the cell's σ in o. As in the
authors' program, https://github.com/NX-AI/xlstm, q, k, v and o have no biases, and b_f begins
between 3 and 6. Unlike there, the gates read x as in the paper, not q, k and v, and w_i and w_f
begin as torch's weights, not as zeros, so that what is kept depends on the input from the first
update on; and LN has one scale for all heads, as W_y has one for each.

In chunks, and with a head's sums of gates taken in between steps only, so that nothing large
cancels.
"""

import math
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from popgym.memory.base import Memory, Source, check_size
from popgym.memory.ops.exponential_gates import read_gated
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.resets import clear_at_first_step


class MLSTMState(NamedTuple):
    """Sums over the episode, divided by the exponential of their stabiliser."""

    C: Tensor  # [B, H, K, K], products of key and value
    n: Tensor  # [B, H, K], keys
    m: Tensor  # [B, H], the stabiliser


class MLSTM(Memory):
    """An mLSTM of one layer.

    Args:
        input_size: F.
        hidden_size: D.
        num_heads: H, matrices that are kept side by side.
        key_size: K, the size of a head's queries, keys and values.

    Raises:
        ValueError: a size is less than 1.
    """

    source: ClassVar[Source] = Source(
        "Beck et al.",
        "xLSTM: Extended Long Short-Term Memory",
        2024,
        "https://arxiv.org/abs/2405.04517",
    )

    def __init__(
        self, input_size: int, hidden_size: int, num_heads: int = 4, key_size: int = 32
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.num_heads = check_size("num_heads", num_heads)
        self.key_size = check_size("key_size", key_size)
        self.project = Linear(input_size, 4 * num_heads * key_size, bias=False)  # q, k, v, o
        self.gates = Linear(input_size, 2 * num_heads)  # i, f
        self.norm = nn.LayerNorm(key_size, bias=False)
        self.output = Linear(num_heads * key_size, hidden_size)
        # at first each head forgets at a pace of its own, over tens to hundreds of steps
        with torch.no_grad():
            self.gates.bias[num_heads:] = torch.linspace(3, 6, num_heads)

    def initial_state(self, batch_size: int) -> MLSTMState:
        """Return sums of nothing."""
        weight, H, K = self.output.weight, self.num_heads, self.key_size
        return MLSTMState(
            weight.new_zeros(batch_size, H, K, K),
            weight.new_zeros(batch_size, H, K),
            weight.new_zeros(batch_size, H),
        )

    def forward(
        self, x: Tensor, state: MLSTMState, start: Tensor | None = None
    ) -> tuple[Tensor, MLSTMState]:
        """Read x [B, T, F] to [B, T, D]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        state, start = clear_at_first_step(state, start)
        heads = self.project(x).unflatten(2, (4, self.num_heads, -1))  # [B, T, 4, H, K]
        q, k, v, o = heads.to(state.C.dtype).unbind(2)
        i, f = self.gates(x).to(state.m.dtype).chunk(2, -1)
        k = k / math.sqrt(self.key_size)
        read, after = read_gated(q, k, v, i, functional.logsigmoid(f), state, start)
        y = o.sigmoid() * self.norm(read)
        return self.output(y.flatten(2).to(heads.dtype)), MLSTMState(*after)
