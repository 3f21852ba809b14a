"""Fast weights: one network writes the weights of another network, step by step.

The slow network computes keys, values and queries; its updates to the fast weights are the memory.

    φ(a) = relu(a) / (10⁻⁵ + Σ relu(a))
    Sₜ = Sₜ₋₁ + φ(kₜ) ⊗ vₜ
    oₜ = φ(qₜ) Sₜ

where qₜ, kₜ and vₜ are the query, key and value of a step, Sₜ is the matrix of fast weights and ⊗
is the outer product.

Schlag, Irie and Schmidhuber, "Linear Transformers Are Secretly Fast Weight Programmers" (2021),
https://arxiv.org/abs/2102.11174: the sum update of section 3.2 with the sum normalisation of
section 4.2. Three things follow POPGym instead of the paper: φ is the ReLU, not DPFP; the
surrounding block is that of ``popgym.memory.ops.attention_block``; and the sum over steps can be
replaced by a maximum.
"""

import math
from typing import ClassVar, NamedTuple

from torch import Tensor

from popgym.memory.base import Source, check_size
from popgym.memory.ops.attention_block import AttentionMemory
from popgym.memory.ops.matrix_memory import AGGREGATORS, check_aggregator, feature_map


class FastWeightState(NamedTuple):
    """State: the fast weights of each block."""

    S: Tensor  # [B, num_layers, K, K], key × value


class FastWeightProgrammer(AttentionMemory):
    """Fast weights in one or more blocks.

    Queries, keys and values have K = round(√(D / num_layers)) features.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        aggregator: How the products of keys and values are combined over the steps, ``"sum"`` or
            ``"max"``.
        sum_normalization: Whether keys and queries are divided by the sum of their features.
        num_layers: Number of blocks.

    Raises:
        ValueError: If a size is less than 1, or if the aggregator is unknown.
        TypeError: If ``sum_normalization`` is not a bool.
    """

    source: ClassVar[Source] = Source(
        "Schlag, Irie and Schmidhuber",
        "Linear Transformers Are Secretly Fast Weight Programmers",
        2021,
        "https://arxiv.org/abs/2102.11174",
    )

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        aggregator: str = "sum",
        sum_normalization: bool = True,
        num_layers: int = 1,
    ) -> None:
        width = check_size("hidden_size", hidden_size) // check_size("num_layers", num_layers)
        super().__init__(input_size, hidden_size, num_layers, max(1, round(math.sqrt(width))))
        self.aggregator = check_aggregator("aggregator", aggregator)
        if not isinstance(sum_normalization, bool):
            raise TypeError(f"sum_normalization must be a bool, got {sum_normalization!r}")
        self.sum_normalization = sum_normalization

    def initial_state(self, batch_size: int) -> FastWeightState:
        """Return fast weights of zero."""
        L, K = self.num_layers, self.key_size
        return FastWeightState(self.output.weight.new_zeros(batch_size, L, K, K))

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, state: tuple[Tensor, ...], start: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Update the fast weights and apply them to the queries."""
        (S,) = state
        q, k = self._feature_map(q.to(S.dtype)), self._feature_map(k.to(S.dtype))
        read, S = AGGREGATORS[self.aggregator](q, k, v, S, start)
        return read, (S,)

    def _feature_map(self, x: Tensor) -> Tensor:
        return feature_map(x) if self.sum_normalization else x.relu()


class DeepFastWeightProgrammer(FastWeightProgrammer):
    """Fast weights with four blocks by default; see ``FastWeightProgrammer``."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        aggregator: str = "sum",
        sum_normalization: bool = True,
        num_layers: int = 4,
    ) -> None:
        super().__init__(input_size, hidden_size, aggregator, sum_normalization, num_layers)
