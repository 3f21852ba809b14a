"""Normalisation of observations by the mean and deviation of all that were seen so far."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CLIP = 10.0
"""Largest magnitude of a normalised number, as in Gymnasium-style implementations."""
_SMALL = 1e-8  # added to the variance, so that a constant becomes 0


class RunningNormaliser(nn.Module):
    """Maps x to (x − mean) / deviation, clipped to ±10. It starts as the identity.

    The statistics are buffers in float64. They change only in ``update``, so that acting,
    evaluation and replaying a rollout use the same numbers until the learner updates them.

    Args:
        size: Features M.
    """

    count: Tensor
    mean: Tensor
    variance: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("mean", torch.zeros(size, dtype=torch.float64))
        self.register_buffer("variance", torch.ones(size, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise features [..., M]."""
        z = (x - self.mean) * (self.variance + _SMALL).rsqrt()
        return z.clamp(-CLIP, CLIP).to(x.dtype)

    @torch.no_grad()
    def update(self, count: int, mean: Tensor, squares: Tensor) -> None:
        """Include more observations.

        Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample
        Variances" (1979), equation 2.1.

        Args:
            count: Their number.
            mean: Their mean [M] in float64.
            squares: The sum of their squared differences from that mean [M] in float64.
        """
        seen = int(self.count)
        whole = seen + count
        shift = mean - self.mean
        before = self.variance * seen  # 0 at first, whatever the initial variance
        self.variance.copy_((before + squares + shift.square() * (seen * count / whole)) / whole)
        self.mean.add_(shift * (count / whole))
        self.count.fill_(whole)
