"""Encoders of pictures: from uint8 [..., H, W, C] to features."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import torch
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
smaller ones its last layer would have no output."""
FEATURES = 256
"""Features of an encoded picture."""
_UNIT = 255.0
_CODE_FEATURES = 16


class Codes(nn.Module):
    """Learned features of the numbers of a small grid, which may be codes.

    The numbers of MiniGrid stand for objects, colours and states. 5 is a key and 6 a ball, so their
    difference says nothing. Each of the 256 numbers of each channel has a row of features; the
    rows of a square's channels are added, as for the words of a sentence. The numbers themselves,
    from 0 to 1, are one more feature of each channel, for grids that hold quantities.

    The features are those of "Bag of Words" in Hui et al., "BabyAI 1.1" (2020), section 2,
    https://arxiv.org/abs/2007.12770.

    Args:
        channels: C.
    """

    first: Tensor  # [C], the row of each channel's number 0

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.size = channels + _CODE_FEATURES
        self.table = nn.Embedding(256 * channels, _CODE_FEATURES)
        self.register_buffer("first", 256 * torch.arange(channels), persistent=False)

    def forward(self, picture: Tensor) -> Tensor:
        """Map uint8 numbers [N, H, W, C] to features [N, H, W, C + 16]."""
        features = self.table(picture.long() + self.first).sum(-2)
        return torch.cat([picture.to(features.dtype) / _UNIT, features], -1)


class PictureEncoder(nn.Module):
    """Convolutions and a linear layer, each followed by a ReLU.

    For the encoder of Mnih et al., pictures are divided by 255. The small one begins with
    :class:`Codes`.

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
        self.codes = None if encoder == "mnih" else Codes(channels)
        sizes = [_after(layers, size) for size in (height, width)]
        if min(sizes) < 1:
            raise ValueError(
                f"a picture of {height} x {width} is too small for the encoder {encoder!r}, which "
                f"needs at least {LARGE} x {LARGE}: use network.encoder=small or none"
            )
        inputs = channels if self.codes is None else self.codes.size
        counts = [inputs, *(layer.channels for layer in layers)]
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
        x = picture.flatten(0, -4)
        x = x.to(dtype) / _UNIT if self.codes is None else self.codes(x)
        x = x.permute(0, 3, 1, 2)  # the memory layout of a channels-last image: no copy
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
