"""One causal convolution over rows that may hold several episodes, whole or step by step.

    yₜ = b + Σₖ Wₖ xₜ₋ₖd,  0 ≤ k < W,  where xₜ₋ₖd = 0 before the episode's first step

An episode that begins inside a row is computed as if it did not, all rows in one convolution; then
the few outputs whose window reaches over a start are computed again from windows cut at it. They
replace the first ones, so that nothing an earlier episode held, NaN included, is left in them.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from popgym.memory.resets import episode_starts


class CausalConv(NamedTuple):
    """A kernel, its bias and its dilation d."""

    weight: Tensor  # [D, F, W], the oldest tap first
    bias: Tensor | None  # [D]
    dilation: int = 1

    @property
    def span(self) -> int:
        """(W − 1) d: the steps before its own that an output sees, and those to be kept."""
        return (self.weight.shape[2] - 1) * self.dilation

    def read(self, x: Tensor, before: Tensor, start: Tensor | None) -> tuple[Tensor, Tensor]:
        """Convolve T steps of B rows.

        Args:
            x: inputs [B, T, F].
            before: the ``span`` inputs before them [B, span, F], oldest first, without those that
                a start at the first step clears.
            start: [B, T] bool, or None where no later step begins an episode.

        Returns:
            Outputs [B, T, D], and the last ``span`` inputs of each row's last episode.
        """
        steps = x.shape[1]
        last = torch.cat([before[:, steps:], x[:, max(steps - self.span, 0) :]], 1)
        if steps == 1:
            windows = torch.cat([before[:, :: self.dilation], x], 1)  # [B, W, F]
            return self._product(windows).unsqueeze(1), last
        frames = torch.cat([before, x], 1) if self.span else x  # [B, span + T, F]
        y = self._convolve(frames)
        if start is not None and self.span:
            starts = episode_starts(start, before=-self.span - 1)
            y = self._recompute_cut_windows(y, frames, starts)
            places = torch.arange(steps, steps + self.span, device=x.device)
            last = self._cut(last, starts[:, -1:], places)
        return y, last

    def _convolve(self, frames: Tensor) -> Tensor:
        """[B, span + T, F] -> [B, T, D]."""
        # channels last, as it lies in memory: no copy, and faster than conv1d
        image = frames.mT.unsqueeze(2)  # [B, F, 1, span + T]
        y = functional.conv2d(
            image, self.weight.unsqueeze(2), self.bias, dilation=(1, self.dilation)
        )
        return y.squeeze(2).mT

    def _product(self, windows: Tensor) -> Tensor:
        """[N, W, F] -> [N, D]."""
        weight = self.weight.mT.flatten(1)  # [D, W F]
        return functional.linear(windows.flatten(1), weight, self.bias)

    def _recompute_cut_windows(self, y: Tensor, frames: Tensor, starts: Tensor) -> Tensor:
        """Replace the outputs whose window reaches over the start of their episode."""
        B, T, D = y.shape
        steps = torch.arange(T, device=y.device)
        row, t = (steps < starts + self.span).nonzero(as_tuple=True)  # [N]
        taps = torch.arange(0, self.span + 1, self.dilation, device=y.device)
        places = t.unsqueeze(1) + taps  # [N, W], in frames
        windows = frames[row.unsqueeze(1), places]  # [N, W, F]
        windows = self._cut(windows, starts[row, t].unsqueeze(1), places)
        y = y.reshape(B * T, D).index_copy(0, row * T + t, self._product(windows).to(y.dtype))
        return y.view(B, T, D)

    def _cut(self, windows: Tensor, starts: Tensor, places: Tensor) -> Tensor:
        """Clear the frames [N, ...] at ``places`` that are older than ``starts`` [N, 1]."""
        older = places - self.span < starts
        return windows.masked_fill(older.unsqueeze(-1), 0)
