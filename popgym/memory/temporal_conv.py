"""The temporal convolution: a memory of the last few inputs, exactly.

    yₜ = b + Σₖ Wₖ xₜ₋ₖ,  0 ≤ k < stack_size,  where xₜ₋ₖ = 0 before the episode's first step

Bai, Kolter and Koltun, "An Empirical Evaluation of Generic Convolutional and Recurrent Networks
for Sequence Modeling" (2018), https://arxiv.org/abs/1803.01271, equation 1. One layer, undilated
and linear, as POPGym's Frameconv; not the paper's stack of residual blocks.

An episode that begins inside a row is computed as if it did not, all rows in one convolution; then
the few outputs whose window reaches over a start are computed again from windows cut at it. They
replace the first ones, so that nothing an earlier episode held, NaN included, is left in them.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from popgym.memory.base import Memory, check_size
from popgym.memory.resets import clear_at_first_step, episode_starts


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
    def reach(self) -> int:
        """``stack_size - 1`` steps."""
        return self.stack_size - 1

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
        frames = torch.cat([before.to(x.dtype), x], 1)  # [B, W - 1 + T, F]
        y = self._convolve(frames)
        last = frames[:, x.shape[1] :]
        if start is not None:
            starts = episode_starts(start, before=-self.stack_size)
            y = self._recompute_cut_windows(y, frames, starts)
            last = self._cut(
                last, starts[:, -1:], torch.arange(last.shape[1], device=x.device) + x.shape[1]
            )
        return y, TemporalConvState(last.to(before.dtype, copy=True))

    def _convolve(self, frames: Tensor) -> Tensor:
        """[B, W - 1 + T, F] -> [B, T, D]."""
        if frames.shape[1] == self.stack_size:
            return self._product(frames).unsqueeze(1)
        # channels last, as it lies in memory: no copy, and faster than conv1d
        image = frames.mT.unsqueeze(2)  # [B, F, 1, W - 1 + T]
        return functional.conv2d(image, self.conv.weight.unsqueeze(2), self.conv.bias).squeeze(2).mT

    def _product(self, windows: Tensor) -> Tensor:
        """[N, W, F] -> [N, D]."""
        weight = self.conv.weight.mT.flatten(1)  # [D, W F]
        return functional.linear(windows.flatten(1), weight, self.conv.bias)

    def _recompute_cut_windows(self, y: Tensor, frames: Tensor, starts: Tensor) -> Tensor:
        """Replace the outputs whose window reaches over the start of their episode."""
        B, T, D = y.shape
        W = self.stack_size
        steps = torch.arange(T, device=y.device)
        row, t = (steps < starts + W - 1).nonzero(as_tuple=True)  # [N]
        places = t.unsqueeze(1) + torch.arange(W, device=y.device)  # [N, W], in frames
        windows = frames[row.unsqueeze(1), places]  # [N, W, F]
        windows = self._cut(windows, starts[row, t].unsqueeze(1), places)
        y = y.reshape(B * T, D).index_copy(0, row * T + t, self._product(windows).to(y.dtype))
        return y.view(B, T, D)

    def _cut(self, windows: Tensor, starts: Tensor, places: Tensor) -> Tensor:
        """Clear the frames [N, ...] at ``places`` that are older than ``starts`` [N, 1]."""
        older = places - (self.stack_size - 1) < starts
        return windows.masked_fill(older.unsqueeze(-1), 0)
