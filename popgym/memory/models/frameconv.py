"""The temporal convolution: a linear map of the last few inputs.

It keeps these inputs unchanged and forgets everything older.

    yₜ = b + Σₖ Wₖ xₜ₋ₖ,  0 ≤ k < stack_size

where Wₖ is the weight of the input k steps ago, b is the bias, and xₜ₋ₖ = 0 before the episode's
first step.

Bai, Kolter and Koltun, "An Empirical Evaluation of Generic Convolutional and Recurrent Networks
for Sequence Modeling" (2018), https://arxiv.org/abs/1803.01271, equation 1. As in POPGym's
Frameconv, this is one linear layer without dilation, not the paper's stack of residual blocks.
"""

from typing import ClassVar, NamedTuple

from torch import Tensor, nn

from popgym.memory.base import Memory, Source, check_size
from popgym.memory.ops.causal_conv import CausalConv
from popgym.memory.ops.resets import clear_at_first_step


class TemporalConvState(NamedTuple):
    """State: the inputs that later outputs still depend on."""

    frames: Tensor  # [B, W - 1, F], oldest first


class TemporalConv(Memory):
    """A causal convolution over the last ``stack_size`` inputs.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        stack_size: Window length, W, including the current input; at least 1.

    Raises:
        ValueError: If a size is less than 1.
    """

    source: ClassVar[Source] = Source(
        "Bai, Kolter and Koltun",
        "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence "
        "Modeling",
        2018,
        "https://arxiv.org/abs/1803.01271",
    )

    def __init__(self, input_size: int, hidden_size: int, stack_size: int = 4) -> None:
        super().__init__(input_size, hidden_size)
        self.stack_size = check_size("stack_size", stack_size)
        self.conv = nn.Conv1d(input_size, hidden_size, kernel_size=stack_size)

    @property
    def receptive_field(self) -> int:
        """``stack_size``, the number of inputs that an output depends on."""
        return self.stack_size

    def initial_state(self, batch_size: int) -> TemporalConvState:
        """Return frames of zeros."""
        return TemporalConvState(
            self.conv.weight.new_zeros(batch_size, self.stack_size - 1, self.input_size)
        )

    def forward(
        self, x: Tensor, state: TemporalConvState, start: Tensor | None = None
    ) -> tuple[Tensor, TemporalConvState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        (before,), start = clear_at_first_step(state, start)
        conv = CausalConv(self.conv.weight, self.conv.bias)
        y, last = conv.forward(x, before.to(x.dtype), start)
        return y, TemporalConvState(last.to(before.dtype))
