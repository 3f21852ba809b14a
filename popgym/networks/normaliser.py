"""Normalisation of observations by the mean and deviation of all that were seen so far."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CLIP = 10.0
"""Largest magnitude of a normalised number."""


class Normaliser(nn.Module):
    """Maps x to (x − mean) / deviation, clipped to ±10. It starts with mean 0 and deviation 1.

    The two are buffers, so that they are part of the weights: of what runners get, of the policy
    file and of checkpoints. The learner sets them, and they never change in between.

    Args:
        size: Features M.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("deviation", torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise features [..., M]."""
        return ((x - self.mean) / self.deviation).clamp(-CLIP, CLIP)
