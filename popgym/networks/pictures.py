"""Encoders of pictures: from uint8 [..., H, W, C] to features."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

from torch import Tensor, nn

from popgym.core.arguments import unknown


class _Layer(NamedTuple):
    channels: int
    kernel: int
    stride: int
    padding: int = 0


MNIH = (_Layer(32, 8, 4), _Layer(64, 4, 2), _Layer(64, 3, 1))
"""Mnih et al., "Human-level control through deep reinforcement learning" (2015), Methods."""
SMALL = (_Layer(16, 3, 1, 1), _Layer(32, 3, 2, 1), _Layer(64, 3, 2, 1))
"""For grids of a few squares, where each number is a code or a colour."""

ENCODERS = {"mnih": MNIH, "small": SMALL}
NAMES = ("auto", *ENCODERS, "none")
"""What the option ``encoder`` may be; "none" flattens pictures to plain numbers."""

LARGE = 36
"""Pictures of at least this height and width get the encoder of Mnih et al. with "auto"; in
smaller ones its last layer would see no pixel."""
FEATURES = 256
"""Features of an encoded picture."""
_SMALL_UNIT, _LARGE_UNIT = 10.0, 255.0


class PictureEncoder(nn.Module):
    """Convolutions and a linear layer, each followed by a ReLU.

    For the encoder of Mnih et al., pictures are divided by 255. For the small one they are divided
    by 10, because the numbers of a small grid may be codes, such as MiniGrid's from 0 to 10.

    Args:
        shape: Height, width and channels.
        encoder: A name of ``NAMES`` except "none".

    Raises:
        ValueError: If the picture is too small for the encoder.
    """

    size = FEATURES

    def __init__(self, shape: tuple[int, ...], encoder: str) -> None:
        super().__init__()
        height, width, channels = shape
        if encoder == "auto":
            encoder = "mnih" if min(height, width) >= LARGE else "small"
        layers = ENCODERS[encoder]
        self.unit = _LARGE_UNIT if encoder == "mnih" else _SMALL_UNIT
        sizes = [_after(layers, size) for size in (height, width)]
        if min(sizes) < 1:
            raise ValueError(
                f"a picture of {height} x {width} is too small for the encoder {encoder!r}, which "
                f"needs at least {LARGE} x {LARGE}: use network.encoder=small or none"
            )
        counts = [channels, *(layer.channels for layer in layers)]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, layer.kernel, layer.stride, layer.padding)
            for (a, b), layer in zip(pairwise(counts), layers, strict=True)
        )
        self.linear = nn.Linear(counts[-1] * math.prod(sizes), FEATURES)
        for part in (*self.convolutions, self.linear):
            nn.init.orthogonal_(part.weight, math.sqrt(2))
            nn.init.zeros_(part.bias)

    def forward(self, picture: Tensor) -> Tensor:
        """Encode pictures [..., H, W, C] as features [..., 256]."""
        dtype = self.linear.weight.dtype
        # [N, H, W, C] is the memory layout of a channels-last image [N, C, H, W]: no copy.
        x = picture.flatten(0, -4).to(dtype).permute(0, 3, 1, 2) / self.unit
        for convolution in self.convolutions:
            x = convolution(x).relu()
        return self.linear(x.flatten(1)).relu().unflatten(0, picture.shape[:-3])


def _after(layers: tuple[_Layer, ...], size: int) -> int:
    for layer in layers:
        size = (size + 2 * layer.padding - layer.kernel) // layer.stride + 1
        if size < 1:
            return 0
    return size


def check_encoder(name: object) -> None:
    """Check the name of an encoder.

    Raises:
        ValueError: If it is unknown.
    """
    if name not in NAMES:
        raise ValueError(unknown("encoder", str(name), NAMES))
