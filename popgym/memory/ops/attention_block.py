"""The block that POPGym's linear attention and fast weights share.

    x̂ = LayerNorm(x)        q, k, v, s = W x̂
    y = φ(W₂ φ(W₁ attend(q, k, v) + b₁) + b₂) + s + b_s,  φ the ReLU

after the transformer's, from which it differs by the width of the feed-forward layers, K, and
by a residual path that is linear. Morad et al., "POPGym: Benchmarking Partially Observable
Reinforcement Learning" (2023), https://arxiv.org/abs/2303.01859. One or several in a row, then a
linear map to D features.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from popgym.memory.base import Memory, check_size
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.resets import clear_at_first_step


class AttentionBlock(nn.Module):
    """What comes before and after the reading of keys and values."""

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
        # narrow strips of a wider tensor are slow to compute with: 7 times for an elu
        return tuple(part.contiguous() for part in self.project(self.norm(x)).chunk(4, -1))

    def after(self, read: Tensor, shortcut: Tensor) -> Tensor:
        """Join what was read with the shortcut: [B, T, K]."""
        return self.feed_forward(read.to(shortcut.dtype)) + (shortcut + self.shortcut_bias)


class AttentionMemory(Memory):
    """Blocks in a row; a subclass writes ``initial_state`` and ``attend``.

    Args:
        input_size: F.
        hidden_size: D.
        num_layers: blocks.
        key_size: K, the size of keys, queries and values.
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
        """Read one block's keys and values [B, T, K] with its queries.

        Args:
            q: queries [B, T, K].
            k: keys [B, T, K], before any feature map.
            v: values [B, T, K].
            state: this block's part of each field [B, ...].
            start: [B, T] bool or None; the state is clear already where the first step is one.

        Returns:
            What was read [B, T, K], and this block's part of the state after the last step.
        """
        raise NotImplementedError

    def forward(self, x: Tensor, state: Any, start: Tensor | None = None) -> tuple[Tensor, Any]:
        """Read x [B, T, F] to [B, T, D]; see :meth:`Memory.forward`."""
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
