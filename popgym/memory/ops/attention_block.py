"""The block that POPGym's linear attention and fast weights share.

    x̂ = LayerNorm(x)        q, k, v, s = W x̂
    y = φ(W₂ φ(W₁ attend(q, k, v) + b₁) + b₂) + s + b_s,  φ the ReLU

The block follows the transformer's block, with two differences: the feed-forward layers are only K
wide, and the residual path is a linear map. A memory stacks one or more blocks and ends with a
linear map to D features.

Morad et al., "POPGym: Benchmarking Partially Observable Reinforcement Learning" (2023),
https://arxiv.org/abs/2303.01859.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from popgym.memory.base import Memory, check_size
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.resets import clear_at_first_step


class AttentionBlock(nn.Module):
    """The layers before and after the attention of one block."""

    def __init__(self, input_size: int, key_size: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(input_size)
        self.project = Linear(input_size, 4 * key_size, bias=False)  # q, k, v and the shortcut
        bound = 1 / math.sqrt(input_size)
        self.shortcut_bias = nn.Parameter(torch.empty(key_size).uniform_(-bound, bound))
        self.feed_forward = nn.Sequential(
            Linear(key_size, key_size), nn.ReLU(), Linear(key_size, key_size), nn.ReLU()
        )

    def before(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map x [B, T, F] to queries, keys, values and the shortcut [B, T, K]."""
        # operations on a non-contiguous slice are slow: an elu takes 7 times as long
        return tuple(part.contiguous() for part in self.project(self.norm(x)).chunk(4, -1))

    def after(self, read: Tensor, shortcut: Tensor) -> Tensor:
        """Combine the result of the attention with the shortcut: [B, T, K]."""
        return self.feed_forward(read.to(shortcut.dtype)) + (shortcut + self.shortcut_bias)


class AttentionMemory(Memory):
    """A stack of attention blocks; a subclass defines ``initial_state`` and ``attend``.

    Args:
        input_size: Input features F.
        hidden_size: Output features D.
        num_layers: Number of blocks.
        key_size: Size K of keys, queries and values.
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int, key_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.num_layers = check_size("num_layers", num_layers)
        self.key_size = key_size
        sizes = [input_size] + [key_size] * (num_layers - 1)
        self.blocks = nn.ModuleList(AttentionBlock(size, key_size) for size in sizes)
        self.output = Linear(key_size, hidden_size)

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, state: tuple[Tensor, ...], start: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Compute the attention of one block.

        Args:
            q: Queries [B, T, K].
            k: Keys [B, T, K], before any feature map.
            v: Values [B, T, K].
            state: This block's part of each field of the state [B, ...].
            start: Episode start mask [B, T] bool, or None. The state is already cleared in the
                rows whose first step begins an episode.

        Returns:
            Outputs [B, T, K], and this block's part of the state after the last step.
        """
        raise NotImplementedError

    def forward(self, x: Tensor, state: Any, start: Tensor | None = None) -> tuple[Tensor, Any]:
        """Map x [B, T, F] to outputs [B, T, D]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        state, start = clear_at_first_step(state, start)
        states = []
        for block, *before in zip(self.blocks, *(field.unbind(1) for field in state), strict=True):
            q, k, v, shortcut = block.before(x)
            read, after = self.attend(q, k, v, tuple(before), start)
            x = block.after(read, shortcut)
            states.append(after)
        fields = (torch.stack(layers, 1) for layers in zip(*states, strict=True))
        return self.output(x), type(state)(*fields)
