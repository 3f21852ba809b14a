"""Frame stacking: a feed-forward network on the last few inputs.

The inputs are first compressed, then concatenated to one vector.

    zₜ = C xₜ
    yₜ = φ(W₂ φ(W₁ [zₜ₋ₖ₊₁, …, zₜ] + b₁) + b₂)

where k = ``stack_size``, φ is a leaky ReLU, C, W₁ and W₂ are weight matrices, b₁ and b₂ are biases,
and xₜ = 0 before the episode's first step.

Mnih et al., "Human-level Control through Deep Reinforcement Learning" (2015),
https://doi.org/10.1038/nature14236. As in POPGym, each input is first compressed to D / k features,
so that the stack has about the size of the output. C has no bias, because b₁ makes it redundant.

W₁ applied to the stack is a convolution over time with k taps. It is computed as such: no stack is
built, and each input is compressed once instead of k times.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from popgym.memory.base import Memory, Source, check_size
from popgym.memory.models.frameconv import TemporalConv, TemporalConvState
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.resets import clear_at_first_step, episode_starts


class FramestackState(NamedTuple):
    """State: the inputs that later outputs still depend on."""

    frames: Tensor  # [B, W - 1, F], oldest first


class Framestack(Memory):
    """A feed-forward network on the last ``stack_size`` inputs.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D. Each input is compressed to
            ``max(1, hidden_size // stack_size)`` features.
        stack_size: Window length, W, including the current input; at least 1.

    Raises:
        ValueError: If a size is less than 1.
    """

    source: ClassVar[Source] = Source(
        "Mnih et al.",
        "Human-level Control through Deep Reinforcement Learning",
        2015,
        "https://doi.org/10.1038/nature14236",
    )

    def __init__(self, input_size: int, hidden_size: int, stack_size: int = 4) -> None:
        super().__init__(input_size, hidden_size)
        self.stack_size = check_size("stack_size", stack_size)
        size = max(1, hidden_size // stack_size)
        self.compress = Linear(input_size, size, bias=False)
        self.join = TemporalConv(size, hidden_size, stack_size)
        self.output = Linear(hidden_size, hidden_size)

    @property
    def receptive_field(self) -> int:
        """``stack_size``, the number of inputs that an output depends on."""
        return self.stack_size

    def initial_state(self, batch_size: int) -> FramestackState:
        """Return frames of zeros."""
        shape = (batch_size, self.stack_size - 1, self.input_size)
        return FramestackState(self.compress.weight.new_zeros(shape))

    def forward(
        self, x: Tensor, state: FramestackState, start: Tensor | None = None
    ) -> tuple[Tensor, FramestackState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        (before,), start = clear_at_first_step(state, start)
        frames = torch.cat([before.to(x.dtype), x], 1)  # [B, W - 1 + T, F]
        z = self.compress(frames)
        z_before = TemporalConvState(z[:, : self.stack_size - 1].to(before.dtype))
        y, _ = self.join(z[:, self.stack_size - 1 :], z_before, start)
        y = functional.leaky_relu(self.output(functional.leaky_relu(y)))
        last = self._last(frames, start).to(before.dtype, copy=True)
        return y, FramestackState(last)

    def _last(self, frames: Tensor, start: Tensor | None) -> Tensor:
        """Return the last W - 1 of ``frames`` [B, W - 1 + T, F], with 0 for earlier episodes."""
        kept = self.stack_size - 1
        T = frames.shape[1] - kept
        last = frames[:, T:]
        if start is None:
            return last
        steps = torch.arange(T - kept, T, device=last.device)
        older = steps < episode_starts(start, before=-kept)[:, -1:]  # [B, W - 1]
        return last.masked_fill(older.unsqueeze(2), 0)
