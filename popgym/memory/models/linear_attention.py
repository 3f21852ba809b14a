"""Linear attention: attention without a softmax, whose state does not grow with time.

Sums over the keys and values of past steps replace the list of these steps.

    φ(a) = elu(a) + 1
    Sₜ = Sₜ₋₁ + φ(kₜ) ⊗ vₜ        Zₜ = Zₜ₋₁ + φ(kₜ)
    oₜ = φ(qₜ) Sₜ / (φ(qₜ) · Zₜ + 10⁻⁵)

where qₜ, kₜ and vₜ are the query, key and value of a step, Sₜ and Zₜ are the sums, and ⊗ is the
outer product.

Katharopoulos et al., "Transformers are RNNs: Fast Autoregressive Transformers with Linear
Attention" (2020), equations 16 to 20, https://arxiv.org/abs/2006.16236. Two things follow POPGym
instead of the paper: one head in the block of ``popgym.memory.ops.attention_block``, and the option
to replace either sum by a maximum.
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
    """State: the sums over the episode's past steps, for each block."""

    S: Tensor  # [B, num_layers, K, K], products of key and value
    Z: Tensor  # [B, num_layers, K], keys


class LinearAttention(AttentionMemory):
    """Linear attention in one or more blocks.

    Queries, keys and values have K = round(√(D / num_layers) − 1) features, at least one.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        S_aggregator: How the products of keys and values are combined over the steps, ``"sum"`` or
            ``"max"``.
        Z_aggregator: How the keys are combined over the steps for the denominator, ``"sum"`` or
            ``"max"``.
        num_layers: Number of blocks.

    Raises:
        ValueError: If a size is less than 1, or if an aggregator is unknown.
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
        """Return sums of zero."""
        L, K = self.num_layers, self.key_size
        weight = self.output.weight
        return LinearAttentionState(
            weight.new_zeros(batch_size, L, K, K), weight.new_zeros(batch_size, L, K)
        )

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, state: tuple[Tensor, ...], start: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Average the values, weighted by the similarity of their keys to the query."""
        S, Z = state[0], state[1].unsqueeze(-1)
        q, k = functional.elu(q.to(S.dtype)) + 1, functional.elu(k.to(S.dtype)) + 1
        # Z is S for values of 1; with the same aggregator, one pass computes both
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
    """Linear attention with four blocks by default; see ``LinearAttention``."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        S_aggregator: str = "sum",  # noqa: N803
        Z_aggregator: str = "sum",  # noqa: N803
        num_layers: int = 4,
    ) -> None:
        super().__init__(input_size, hidden_size, S_aggregator, Z_aggregator, num_layers)
