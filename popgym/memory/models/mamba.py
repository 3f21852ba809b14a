"""Mamba: a state space model whose step size, input map and output map depend on the input.

    u = SiLU(conv(W_u x) + b),  z = W_z x        Bₜ, Cₜ = W_B uₜ, W_C uₜ
    Δₜ = softplus(W_Δ W_R uₜ + b_Δ)
    hₜ = exp(Δₜ A) hₜ₋₁ + Δₜ Bₜ uₜ        A = −exp(log A)
    yₜ = W_y ((Cₜ hₜ + D ⊙ uₜ) ⊙ SiLU(zₜ))

where conv is a causal convolution over time, separate for each feature, Δ is the step size, h is
the state, with N numbers for each of the E = expand · D features of u, W_R has rank R = ⌈D / 16⌉
and ⊙ is the elementwise product.

Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces" (2023), sections 3.2
to 3.4, https://arxiv.org/abs/2312.00752, with the initialisation of section 3.6 (S4D-Real). Two
details follow the authors' program, https://github.com/state-spaces/mamba: Bₜ is multiplied by Δₜ
alone, not by the factor of the zero-order hold in equation 4 of the paper, and the other weights
have torch's default initialisation. The residual connection around the block and the normalisation
before it are not included; ``Layers`` adds them.
"""

import math
from functools import partial
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from popgym.memory.base import Memory, Source, check_size
from popgym.memory.ops.blocks import run_blocks
from popgym.memory.ops.causal_conv import CausalConv
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.resets import clear_at_first_step
from popgym.memory.ops.selective_scan import selective_scan
from popgym.memory.ops.step_size import initial_step_bias

_BLOCK = 64
"""The number of steps whose inner features are in memory at the same time."""


class MambaState(NamedTuple):
    """State: the last inputs of the convolution, and the state h."""

    frames: Tensor  # [B, W - 1, E], inputs of the convolution, oldest first
    h: Tensor  # [B, N, E]


class Mamba(Memory):
    """A single Mamba block.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        expand: Ratio of inner features to output features, E / D.
        state_size: Number of states of each inner feature, N.
        window: Number of inputs in the window of the convolution, W.

    Raises:
        ValueError: If a size is less than 1.
    """

    source: ClassVar[Source] = Source(
        "Gu and Dao",
        "Mamba: Linear-Time Sequence Modeling with Selective State Spaces",
        2023,
        "https://arxiv.org/abs/2312.00752",
    )

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        expand: int = 2,
        state_size: int = 16,
        window: int = 4,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.state_size = check_size("state_size", state_size)
        self.window = check_size("window", window)
        E, N = check_size("expand", expand) * hidden_size, state_size
        self.rank = math.ceil(hidden_size / 16)
        self.input = Linear(input_size, 2 * E, bias=False)  # u, z
        self.conv = nn.Conv1d(E, E, window, groups=E)
        self.select = Linear(E, self.rank + 2 * N, bias=False)  # Δ, B, C
        self.step = Linear(self.rank, E)
        self.log_a = nn.Parameter(torch.arange(1.0, N + 1).log().unsqueeze(1).repeat(1, E))
        self.skip = nn.Parameter(torch.ones(E))
        self.output = Linear(E, hidden_size, bias=False)
        with torch.no_grad():
            self.step.weight.uniform_(-1, 1).div_(math.sqrt(self.rank))
            self.step.bias.copy_(initial_step_bias(E))

    def initial_state(self, batch_size: int) -> MambaState:
        """Return a state of zeros."""
        N, E = self.log_a.shape
        return MambaState(
            self.log_a.new_zeros(batch_size, self.window - 1, E),
            self.log_a.new_zeros(batch_size, N, E),
        )

    def forward(
        self, x: Tensor, state: MambaState, start: Tensor | None = None
    ) -> tuple[Tensor, MambaState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        a = -self.log_a.exp()
        if x.shape[1] <= _BLOCK:
            return self._read(a, x, state, start)
        # blocks save memory: the backward pass of all T steps needs about ten tensors [B, T, E]
        return run_blocks(partial(self._read, a), [x], state, start, _BLOCK)

    def _read(
        self, a: Tensor, x: Tensor, state: MambaState, start: Tensor | None
    ) -> tuple[Tensor, MambaState]:
        """Compute the outputs [B, S, D] of a block of steps ``x`` [B, S, F]."""
        (frames, h), start = clear_at_first_step(state, start)
        u, z = self.input(x).chunk(2, -1)
        conv = CausalConv(self.conv.weight, self.conv.bias)
        u, last = conv.forward(u.contiguous(), frames.to(u.dtype), start)
        u = functional.silu(u)
        step, b, c = self.select(u).split([self.rank, self.state_size, self.state_size], -1)
        delta = functional.softplus(self.step(step).to(h.dtype))
        y, h = selective_scan(u, delta, a, b, c, h, start)
        # the order matters: a sum gets the memory layout of its first term, here with rows first
        y = (self.skip * u + y).to(z.dtype) * functional.silu(z)
        return self.output(y), MambaState(last.to(frames.dtype), h)
