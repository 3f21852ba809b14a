"""A linear layer that runs as a convolution where that is faster.

A tensor [B, T, F] has the memory layout of a channels-last image [B, F, 1, T]. A linear layer can
therefore run as a 1×1 convolution without a copy. On a CPU, the convolution runs in oneDNN, which
uses the vector units of processors of every vendor. The matrix product may come from a library that
is fast only on its own vendor's processors. For a narrow layer, the call of the convolution costs
more than the product. ``benchmarks/memories.py`` compares the two.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from popgym.memory.ops.processor import is_intel

_MIN_STEPS = 8
_MIN_NUMBERS = 20480
"""With fewer steps or numbers, single-threaded torch convolves without oneDNN, which is slower."""
_MIN_WEIGHTS = 512
"""With fewer weights, the matrix product is faster: it takes as little as half the time."""
_MOST_STEPS_ON_INTEL = 4096
"""On processors of Intel, for which the library of matrix products is made, the product is faster
up to this number of steps."""


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x Wᵀ + b, as ``torch.nn.functional.linear`` does.

    Args:
        x: Inputs [..., F]. The faster convolution is used only for [B, T, F].
        weight: W [D, F].
        bias: b [D], or None.

    Returns:
        Outputs [..., D].
    """
    if not _convolves(x) or weight.numel() < _MIN_WEIGHTS:
        return functional.linear(x, weight, bias)
    image = x.mT.unsqueeze(2)  # [B, F, 1, T]
    return functional.conv2d(image, weight[:, :, None, None], bias).squeeze(2).mT


class Linear(nn.Linear):
    """``torch.nn.Linear``, computed by :func:`linear`."""

    def forward(self, x: Tensor) -> Tensor:
        """Map features [..., F] to [..., D]."""
        return linear(x, self.weight, self.bias)


def _convolves(x: Tensor) -> bool:
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and x.dim() == 3
        and x.shape[0] > 1
        and x.shape[1] >= _MIN_STEPS
        and x.numel() > _MIN_NUMBERS
        and not (is_intel() and x.shape[0] * x.shape[1] <= _MOST_STEPS_ON_INTEL)
    )
