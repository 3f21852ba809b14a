"""Fast weights that are updated with the delta rule.

Each step corrects the value that is stored under its key, instead of only adding to it.

    φ(a) = relu(a) / (10⁻⁵ + Σ relu(a)),  βₜ = σ(w · xₜ + b)
    Sₜ = Sₜ₋₁ + βₜ φ(kₜ) ⊗ (vₜ − φ(kₜ) Sₜ₋₁)
    oₜ = φ(qₜ) Sₜ

where xₜ is the input of a block, qₜ, kₜ and vₜ are its query, key and value, Sₜ is the matrix of
fast weights, βₜ is the step size of the correction, σ is the logistic function and ⊗ is the outer
product.

Schlag, Irie and Schmidhuber, "Linear Transformers Are Secretly Fast Weight Programmers" (2021),
https://arxiv.org/abs/2102.11174, equations 23 to 25, with the sum normalisation of section 4.2.
Without this normalisation the update diverges. The feature map φ and the surrounding block are the
same as in ``popgym.memory.models.fwp``, so the two memories differ only in the update rule. The
block of Yang et al. (2024, https://arxiv.org/abs/2406.06484), with convolutions, SiLU and keys of
length 1, is close to ``popgym.memory.models.gated_delta_net``.
"""

import math
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from popgym.memory.base import Source, check_size
from popgym.memory.ops.attention_block import AttentionMemory
from popgym.memory.ops.delta_rule import read_delta
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.matrix_memory import feature_map
from popgym.memory.ops.resets import clear_at_first_step


class DeltaNetState(NamedTuple):
    """State: the fast weights of each block."""

    S: Tensor  # [B, num_layers, K, K], key × value


class DeltaNet(AttentionMemory):
    """Fast weights with the delta rule, in one or more blocks.

    Queries, keys and values have K = round(√(D / num_layers)) features.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        num_layers: Number of blocks.

    Raises:
        ValueError: If a size is less than 1.
    """

    source: ClassVar[Source] = Source(
        "Schlag, Irie and Schmidhuber",
        "Linear Transformers Are Secretly Fast Weight Programmers",
        2021,
        "https://arxiv.org/abs/2102.11174",
    )

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1) -> None:
        width = check_size("hidden_size", hidden_size) // check_size("num_layers", num_layers)
        key_size = max(1, round(math.sqrt(width)))
        super().__init__(input_size, hidden_size, num_layers, key_size)
        sizes = [input_size] + [key_size] * (num_layers - 1)
        self.rates = nn.ModuleList(Linear(size, 1) for size in sizes)

    def initial_state(self, batch_size: int) -> DeltaNetState:
        """Return fast weights of zero."""
        L, K = self.num_layers, self.key_size
        return DeltaNetState(self.output.weight.new_zeros(batch_size, L, K, K))

    def forward(
        self, x: Tensor, state: DeltaNetState, start: Tensor | None = None
    ) -> tuple[Tensor, DeltaNetState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        state, start = clear_at_first_step(state, start)
        after = []
        before = (field.unbind(1) for field in state)
        for block, rate, S in zip(self.blocks, self.rates, *before, strict=True):
            q, k, v, shortcut = block.before(x)
            q, k = feature_map(q.to(S.dtype)), feature_map(k.to(S.dtype))
            beta = rate(x).to(S.dtype).sigmoid()
            # the delta rule expects an axis of heads; there is one head
            q, k, v = (y.unsqueeze(2) for y in (q, k, v))
            read, S = read_delta(q, k, v, beta, S.unsqueeze(1), start)
            x = block.after(read.squeeze(2), shortcut)
            after.append(S.squeeze(1))
        return self.output(x), DeltaNetState(torch.stack(after, 1))
