"""The xLSTM: an mLSTM block followed by an sLSTM block.

The mLSTM can store more. In the sLSTM, what is stored may depend on what was stored before.

    z⁰ = P x        z¹ = z⁰ + mLSTM(LN z⁰)        z² = z¹ + LN sLSTM(LN z¹)
    y = z² + V (GELU(U LN z²) ⊙ U' LN z²)

where P is the identity, or a linear map if the inputs are not of size D, LN is a layer
normalisation, ⊙ is the elementwise product, and U and U' have ⌈4 D / 3⌉ rows.

Beck et al., "xLSTM: Extended Long Short-Term Memory" (2024), section 2.4 and figures 3, 10 and 11,
https://arxiv.org/abs/2405.04517. This is xLSTM[1:1]; the option ``num_layers`` of ``make_memory``
makes it deeper. Not included are the convolutions before the gates, the mLSTM's learnable skip
connection, its projection to twice the width (the heads of ``MLSTM`` take its place), and the norm
after the last block, which belongs to the network that uses the outputs. The sLSTM has one head
instead of four, so that D may be any number. Unlike in the authors' program,
https://github.com/NX-AI/xlstm, linear maps and the norms before the memories have biases, and both
have torch's default initialisation.
"""

import math
from typing import ClassVar, NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from popgym.memory.base import Memory, Source
from popgym.memory.models.mlstm import MLSTM, MLSTMState
from popgym.memory.models.slstm import SLSTM, SLSTMState
from popgym.memory.ops.linear import Linear


class XLSTMState(NamedTuple):
    """State: the fields of the mLSTM's state, then those of the sLSTM's."""

    products: Tensor  # [B, H, K, K], C of the mLSTM
    keys: Tensor  # [B, H, K], n of the mLSTM
    stabiliser: Tensor  # [B, H], m of the mLSTM
    h: Tensor  # [B, D]
    c: Tensor  # [B, D]
    n: Tensor  # [B, D]
    m: Tensor  # [B, D]


class XLSTM(Memory):
    """An mLSTM block followed by an sLSTM block.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        num_heads: Number of heads of the mLSTM, H.
        key_size: Number of features of a query, key or value in each head, K.

    Raises:
        ValueError: If a size is less than 1.
    """

    source: ClassVar[Source] = MLSTM.source

    def __init__(
        self, input_size: int, hidden_size: int, num_heads: int = 4, key_size: int = 32
    ) -> None:
        super().__init__(input_size, hidden_size)
        same = input_size == hidden_size
        self.project = nn.Identity() if same else Linear(input_size, hidden_size)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_size) for _ in range(3))
        self.mlstm = MLSTM(hidden_size, hidden_size, num_heads, key_size)
        self.slstm = SLSTM(hidden_size, hidden_size)
        self.slstm_norm = nn.LayerNorm(hidden_size, bias=False)
        width = math.ceil(4 * hidden_size / 3)
        self.hidden = Linear(hidden_size, 2 * width)
        self.output = Linear(width, hidden_size)

    def initial_state(self, batch_size: int) -> XLSTMState:
        """Return the initial states of both memories."""
        return XLSTMState(
            *self.mlstm.initial_state(batch_size), *self.slstm.initial_state(batch_size)
        )

    def forward(
        self, x: Tensor, state: XLSTMState, start: Tensor | None = None
    ) -> tuple[Tensor, XLSTMState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        z = self.project(x)
        y, matrix = self.mlstm(self.norms[0](z), MLSTMState(*state[:3]), start)
        z = z + y
        y, scalar = self.slstm(self.norms[1](z), SLSTMState(*state[3:]), start)
        z = z + self.slstm_norm(y)
        gate, y = self.hidden(self.norms[2](z)).chunk(2, -1)
        return z + self.output(functional.gelu(gate) * y), XLSTMState(*matrix, *scalar)
