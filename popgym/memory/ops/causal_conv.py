"""A causal convolution over rows that may hold several episodes, for whole rows or single steps.

    yₜ = b + Σₖ Wₖ xₜ₋ₖd,  0 ≤ k < W,  where xₜ₋ₖd = 0 before the episode's first step

With few steps, the windows of all outputs are copied, inputs of earlier episodes are set to 0, and
one matrix product computes the outputs. With many steps the copies would take too much memory, and
a depthwise convolution is no matrix product. Then one convolution computes all rows and ignores the
episode starts inside them, and the outputs whose window contains inputs of an earlier episode are
computed again, from the taps that belong to their own episode. In neither way does an output depend
on an earlier episode, even if that contained NaN.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from popgym.memory.ops.resets import episode_starts

_MOST_IN_WINDOWS = 2_400_000
"""Numbers in all windows up to which they are copied; with more, the convolution is faster."""


class CausalConv(NamedTuple):
    """A kernel, its bias and its dilation d.

    Weights [D, 1, W] with D = F make a depthwise convolution, which convolves each feature
    separately.
    """

    weight: Tensor  # [D, F, W], the oldest tap first
    bias: Tensor | None  # [D]
    dilation: int = 1

    @property
    def span(self) -> int:
        """(W − 1) d: the number of earlier steps in the receptive field, which the state keeps."""
        return (self.weight.shape[2] - 1) * self.dilation

    def forward(self, x: Tensor, before: Tensor, start: Tensor | None) -> tuple[Tensor, Tensor]:
        """Convolve T steps of B rows.

        Args:
            x: Inputs [B, T, F].
            before: The ``span`` inputs before x [B, span, F], oldest first. They must already be
                cleared in the rows whose first step begins an episode.
            start: Episode start mask [B, T] bool, or None if no later step begins an episode.

        Returns:
            Outputs [B, T, D], and the last ``span`` inputs of each row [B, span, F], with zeros
            for those of an earlier episode.
        """
        steps = x.shape[1]
        last = torch.cat([before[:, steps:], x[:, max(steps - self.span, 0) :]], 1)
        if steps == 1:
            windows = torch.cat([before[:, :: self.dilation], x], 1)  # [B, W, F]
            return self._product(windows).unsqueeze(1), last
        starts = None
        if start is not None and self.span:
            starts = episode_starts(start, before=-self.span)
            last = self._cut(last, starts[:, -1:] - steps)
        depthwise = self.weight.shape[1] < x.shape[2]  # no matrix product
        if not depthwise and x.numel() * self.weight.shape[2] <= _MOST_IN_WINDOWS:
            return self._from_windows(x, before, starts), last
        y = self._convolve(torch.cat([before, x], 1) if self.span else x)
        if starts is not None:
            y = self._recompute_cut_windows(y, x, starts)
        return y, last

    def _from_windows(self, x: Tensor, before: Tensor, starts: Tensor | None) -> Tensor:
        """Compute the outputs [B, T, D] from a copy of each output's window."""
        B, T, _ = x.shape
        frames = torch.cat([before, x], 1) if self.span else x
        lags = range(self.span, -1, -self.dilation)  # of the taps, the oldest first
        windows = torch.stack([frames[:, self.span - k :][:, :T] for k in lags], 2)  # [B, T, W, F]
        if starts is not None:
            age = torch.arange(T, device=x.device) - starts  # [B, T]
            cut = torch.tensor(lags, device=x.device) > age.unsqueeze(2)  # [B, T, W]
            windows = windows.masked_fill(cut.unsqueeze(3), 0)
        return self._product(windows.flatten(0, 1)).unflatten(0, (B, T))

    def _convolve(self, frames: Tensor) -> Tensor:
        """[B, span + T, F] -> [B, T, D]."""
        # the memory layout is already channels-last: no copy, and faster than conv1d
        image = frames.mT.unsqueeze(2)  # [B, F, 1, span + T]
        groups = frames.shape[2] // self.weight.shape[1]
        y = functional.conv2d(
            image, self.weight.unsqueeze(2), self.bias, dilation=(1, self.dilation), groups=groups
        )
        return y.squeeze(2).mT

    def _product(self, windows: Tensor) -> Tensor:
        """Apply the last V taps of the kernel to windows [N, V, F]: [N, D]."""
        weight = self.weight[..., -windows.shape[1] :].mT  # [D, V, F]
        if weight.shape[2] < windows.shape[2]:
            y = (windows * weight.squeeze(2).mT).sum(1)
            return y if self.bias is None else y + self.bias
        return functional.linear(windows.flatten(1), weight.flatten(1), self.bias)

    def _recompute_cut_windows(self, y: Tensor, x: Tensor, starts: Tensor) -> Tensor:
        """Replace the outputs whose window begins before their episode."""
        age = torch.arange(x.shape[1], device=x.device) - starts  # [B, T]
        whole = age.flatten().div(self.dilation, rounding_mode="floor") + 1  # taps that remain
        frames, places, outputs = x.flatten(0, 1), [], []
        for taps in range(1, self.weight.shape[2]):
            at = (whole == taps).nonzero()  # [N, 1], among B T
            seen = at + torch.arange(1 - taps, 1, device=x.device) * self.dilation  # [N, V]
            # index_select: its gradient is several times as fast as that of frames[seen]
            windows = frames.index_select(0, seen.flatten()).unflatten(0, seen.shape)
            places.append(at.squeeze(1))
            outputs.append(self._product(windows))
        y_flat = y.flatten(0, 1)
        y_flat.index_copy_(0, torch.cat(places), torch.cat(outputs).to(y.dtype))
        return y_flat.view_as(y)

    def _cut(self, last: Tensor, starts: Tensor) -> Tensor:
        """Clear the inputs [B, span, F] before the step ``starts`` [B, 1], counted from the end."""
        older = torch.arange(-self.span, 0, device=last.device) < starts
        return last.masked_fill(older.unsqueeze(-1), 0)
