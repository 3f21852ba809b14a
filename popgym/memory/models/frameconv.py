"""The temporal convolution: a memory of the last few inputs, exactly.

    yₜ = b + Σₖ Wₖ xₜ₋ₖ,  0 ≤ k < stack_size,  where xₜ₋ₖ = 0 before the episode's first step

Bai, Kolter and Koltun, "An Empirical Evaluation of Generic Convolutional and Recurrent Networks
for Sequence Modeling" (2018), https://arxiv.org/abs/1803.01271, equation 1. One layer, undilated
and linear, as POPGym's Frameconv; not the paper's stack of residual blocks.
"""

from typing import ClassVar, NamedTuple

from torch import Tensor, nn

from popgym.memory.base import Memory, check_size
from popgym.memory.ops.causal_conv import CausalConv
from popgym.memory.ops.resets import clear_at_first_step


class TemporalConvState(NamedTuple):
    """What the next windows still see."""

    frames: Tensor  # [B, W - 1, F], the last inputs, oldest first


class TemporalConv(Memory):
    """A causal convolution over the last ``stack_size`` inputs.

    Args:
        input_size: F.
        hidden_size: D, any.
        stack_size: W, the inputs an output sees, its own included; at least 1.

    Raises:
        ValueError: a size is less than 1.
    """

    source: ClassVar[str] = (
        "Bai, Kolter and Koltun, An Empirical Evaluation of Generic Convolutional and Recurrent "
        "Networks for Sequence Modeling, 2018, https://arxiv.org/abs/1803.01271"
    )

    def __init__(self, input_size: int, hidden_size: int, stack_size: int = 4) -> None:
        super().__init__(input_size, hidden_size)
        self.stack_size = check_size("stack_size", stack_size)
        self.conv = nn.Conv1d(input_size, hidden_size, kernel_size=stack_size)

    @property
    def receptive_field(self) -> int:
        """``stack_size``: the inputs in the window."""
        return self.stack_size

    def initial_state(self, batch_size: int) -> TemporalConvState:
        """Return frames of zeros."""
        return TemporalConvState(
            self.conv.weight.new_zeros(batch_size, self.stack_size - 1, self.input_size)
        )

    def forward(
        self, x: Tensor, state: TemporalConvState, start: Tensor | None = None
    ) -> tuple[Tensor, TemporalConvState]:
        """Convolve x [B, T, F] to [B, T, D]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        (before,), start = clear_at_first_step(state, start)
        conv = CausalConv(self.conv.weight, self.conv.bias)
        y, last = conv.forward(x, before.to(x.dtype), start)
        return y, TemporalConvState(last.to(before.dtype))
