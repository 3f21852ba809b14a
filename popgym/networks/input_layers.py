"""The first layers of a policy network: from named arrays to one row of features for each step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from popgym.inputs import MASK, MEASURED, NUMBERS, PICTURE
from popgym.networks.normaliser import Normaliser
from popgym.networks.pictures import PictureEncoder

Inputs = Tensor | Mapping[str, Tensor]
"""Rows of numbers [B, T, F], or arrays named as in ``popgym.inputs``."""

FORBIDDEN = -1e9
"""Output of the actor for a choice that is not allowed. It is finite, so that no NaN arises."""


class InputLayers(nn.Module):
    """Normalises what was measured, encodes pictures, and joins all features.

    Args:
        shapes: The shape of each array without the axes of rows and steps.
        encoder: Name of the encoder of pictures, see ``popgym.networks.pictures``.

    Raises:
        ValueError: If a picture does not fit the encoder.
    """

    size: int
    """Features of the result."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], encoder: str) -> None:
        super().__init__()
        # Sorted, so that the order of the features does not depend on that of the mapping.
        self.names = sorted(name for name in shapes if name != MASK)
        self.normaliser = Normaliser(shapes[MEASURED][0]) if MEASURED in shapes else None
        self.encoders = nn.ModuleDict(
            {
                name: PictureEncoder(shape, encoder)
                for name, shape in shapes.items()
                if name.startswith(PICTURE)
            }
        )
        plain = sum(math.prod(shapes[name]) for name in (NUMBERS, MEASURED) if name in shapes)
        self.size = plain + sum(encoder.size for encoder in self._encoders())

    def _encoders(self) -> list[Any]:
        return list(self.encoders.values())

    def forward(self, inputs: Inputs) -> Tensor:
        """Return the features [B, T, size]. Rows of numbers may be given without their name."""
        if isinstance(inputs, Tensor):
            inputs = {NUMBERS: inputs}
        features = [self._features(name, inputs[name]) for name in self.names]
        return features[0] if len(features) == 1 else torch.cat(features, -1)

    def _features(self, name: str, x: Tensor) -> Tensor:
        if name in self.encoders:
            return self.encoders[name](x)
        if name == MEASURED and self.normaliser is not None:
            return self.normaliser(x)
        return x


def masked(logits: Tensor, inputs: Inputs) -> Tensor:
    """Return the outputs of the actor [B, T, A], with those that are not allowed made tiny."""
    if isinstance(inputs, Tensor) or MASK not in inputs:
        return logits
    return logits.masked_fill(~inputs[MASK], FORBIDDEN)


def one_step(inputs: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """Return arrays [B, ...] as tensors with an axis of one step, [B, 1, ...]."""
    return {name: torch.from_numpy(array)[:, None] for name, array in inputs.items()}


def steps_of(inputs: Inputs) -> int:
    """Return the number of steps T of inputs [B, T, ...]."""
    one = inputs if isinstance(inputs, Tensor) else next(iter(inputs.values()))
    return one.shape[1]
