"""Linear attention: a transformer whose memory does not grow.

    φ(a) = elu(a) + 1
    Sₜ = Sₜ₋₁ + φ(kₜ) ⊗ vₜ        Zₜ = Zₜ₋₁ + φ(kₜ)
    oₜ = φ(qₜ) Sₜ / (φ(qₜ) · Zₜ + 10⁻⁵)

Katharopoulos et al., "Transformers are RNNs: Fast Autoregressive Transformers with Linear
Attention" (2020), equations 16 to 20, https://arxiv.org/abs/2006.16236, one head, in POPGym's
block (``attention_block``). Either sum may be replaced by a maximum, as POPGym offers.
"""

import math
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from popgym.memory.base import Source, check_size
from popgym.memory.ops.attention_block import AttentionMemory
from popgym.memory.ops.matrix_memory import AGGREGATORS, check_aggregator

_EPSILON = 1e-5


class LinearAttentionState(NamedTuple):
    """What the keys of the episode have accumulated, block after block."""

    S: Tensor  # [B, num_layers, K, K], products of key and value
    Z: Tensor  # [B, num_layers, K], keys


class LinearAttention(AttentionMemory):
    """Linear attention, one block or several.

    Keys, queries and values have K = round(√(D / num_layers) − 1) features, at least one.

    Args:
        input_size: F.
        hidden_size: D.
        S_aggregator: "sum" or "max", over the products of keys and values.
        Z_aggregator: "sum" or "max", over the keys, for the denominator.
        num_layers: blocks.

    Raises:
        ValueError: a size is less than 1, or an aggregator is unknown.
    """

    source: ClassVar[Source] = Source(
        "Katharopoulos et al.",
        "Transformers are RNNs: Fast Autoregressive Transformers with Linear Attention",
        2020,
        "https://arxiv.org/abs/2006.16236",
    )

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        S_aggregator: str = "sum",  # noqa: N803 (POPGym's name)
        Z_aggregator: str = "sum",  # noqa: N803 (POPGym's name)
        num_layers: int = 1,
    ) -> None:
        width = check_size("hidden_size", hidden_size) // check_size("num_layers", num_layers)
        key_size = max(1, round(math.sqrt(width) - 1))
        super().__init__(input_size, hidden_size, num_layers, key_size)
        self.S_aggregator = check_aggregator("S_aggregator", S_aggregator)
        self.Z_aggregator = check_aggregator("Z_aggregator", Z_aggregator)

    def initial_state(self, batch_size: int) -> LinearAttentionState:
        """Return sums of nothing."""
        L, K = self.num_layers, self.key_size
        weight = self.output.weight
        return LinearAttentionState(
            weight.new_zeros(batch_size, L, K, K), weight.new_zeros(batch_size, L, K)
        )

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, state: tuple[Tensor, ...], start: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read the values by their keys' likeness to the query."""
        S, Z = state[0], state[1].unsqueeze(-1)
        q, k = functional.elu(q.to(S.dtype)) + 1, functional.elu(k.to(S.dtype)) + 1
        # Z is to values of 1 what S is to v, so that both are read at once where they can be
        if self.S_aggregator == self.Z_aggregator:
            read = AGGREGATORS[self.S_aggregator]
            both, after = read(
                q, k, functional.pad(v, (0, 1), value=1), torch.cat([S, Z], -1), start
            )
            numerator, denominator = both.split([self.key_size, 1], -1)
            S, Z = after.split([self.key_size, 1], -1)
        else:
            numerator, S = AGGREGATORS[self.S_aggregator](q, k, v, S, start)
            ones = torch.ones_like(k[..., :1])
            denominator, Z = AGGREGATORS[self.Z_aggregator](q, k, ones, Z, start)
        return numerator / (denominator + _EPSILON), (S, Z.squeeze(-1))


class DeepLinearAttention(LinearAttention):
    """Linear attention, four blocks unless told otherwise; see ``LinearAttention``."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        S_aggregator: str = "sum",  # noqa: N803
        Z_aggregator: str = "sum",  # noqa: N803
        num_layers: int = 4,
    ) -> None:
        super().__init__(input_size, hidden_size, S_aggregator, Z_aggregator, num_layers)
