"""The mLSTM: an LSTM with exponential gates whose cell is a matrix of key-value products.

    q, k, v, o = W_q x, W_k x / √K, W_v x, σ(W_o x)        ĩ = w_i · x + b_i,  f̃ = w_f · x + b_f
    Cₜ = σ(f̃ₜ) Cₜ₋₁ + exp(ĩₜ) kₜ ⊗ vₜ        nₜ = σ(f̃ₜ) nₜ₋₁ + exp(ĩₜ) kₜ         in each head
    yₜ = W_y (oₜ ⊙ LN(qₜ Cₜ / max(|qₜ · nₜ|, 1))) + b_y

where q, k and v are queries, keys and values, o is the output gate, ĩ and f̃ are the input and
forget gates before their activations, C is the cell, n is the normaliser, LN is a layer
normalisation, σ is the logistic function, ⊗ is the outer product and ⊙ the elementwise product.

To avoid overflow, C and n are stored divided by exp(mₜ), where mₜ = max(log σ(f̃ₜ) + mₜ₋₁, ĩₜ) and
m₀ = 0. In the last line, exp(−mₜ) then replaces the 1.

Beck et al., "xLSTM: Extended Long Short-Term Memory" (2024), section 2.3 and appendix A.3,
https://arxiv.org/abs/2405.04517. The normalisation LN of each head and the linear map W_y are taken
from the block that surrounds the cell (figure 11). That block has a SiLU in place of the σ in o.

As in the authors' program, https://github.com/NX-AI/xlstm, q, k, v and o have no biases, and b_f is
initialised between 3 and 6. Three things differ from that program. The gates depend on x, as in the
paper, not on q, k and v. w_i and w_f have torch's default initialisation instead of zeros, so that
the gates depend on the input from the first update on. All heads share one scale in LN, because W_y
already scales each head separately.

Steps are computed in chunks. Sums of log gates are taken only over the steps between a write and a
read, so that no digits are lost in differences of large numbers.
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
    """State: sums over the episode, divided by exp(m)."""

    C: Tensor  # [B, H, K, K], sum of key-value products
    n: Tensor  # [B, H, K], sum of keys
    m: Tensor  # [B, H], the stabiliser


class MLSTM(Memory):
    """An mLSTM with one layer.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        num_heads: Number of heads, H, each with a matrix C of its own.
        key_size: Number of features of a query, key or value in each head, K.

    Raises:
        ValueError: If a size is less than 1.
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
        # initially the heads forget at different rates, over tens to hundreds of steps
        with torch.no_grad():
            self.gates.bias[num_heads:] = torch.linspace(3, 6, num_heads)

    def initial_state(self, batch_size: int) -> MLSTMState:
        """Return a state of zeros."""
        weight, H, K = self.output.weight, self.num_heads, self.key_size
        return MLSTMState(
            weight.new_zeros(batch_size, H, K, K),
            weight.new_zeros(batch_size, H, K),
            weight.new_zeros(batch_size, H),
        )

    def forward(
        self, x: Tensor, state: MLSTMState, start: Tensor | None = None
    ) -> tuple[Tensor, MLSTMState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        state, start = clear_at_first_step(state, start)
        heads = self.project(x).unflatten(2, (4, self.num_heads, -1))  # [B, T, 4, H, K]
        q, k, v, o = heads.to(state.C.dtype).unbind(2)
        i, f = self.gates(x).to(state.m.dtype).chunk(2, -1)
        k = k / math.sqrt(self.key_size)
        read, after = read_gated(q, k, v, i, functional.logsigmoid(f), state, start)
        y = o.sigmoid() * self.norm(read)
        return self.output(y.flatten(2).to(heads.dtype)), MLSTMState(*after)
