"""A linear layer that runs as a convolution where that is faster.

[B, T, F] in memory is a channels-last image [B, F, 1, T], so that a linear layer is a 1×1
convolution of which nothing needs copying. On a CPU it runs in oneDNN, which uses the vector units
of every maker's processors; the matrix product of a vendor's library does not. For a narrow layer
the call costs more than the product. ``benchmarks/memories.py`` compares the two.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

_MIN_STEPS = 8
_MIN_NUMBERS = 20480
"""Below, torch convolves without oneDNN, in a slower kernel, if it has one thread."""
_MIN_WEIGHTS = 512
"""Below, the product takes as little as half the time."""


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x Wᵀ + b, as ``torch.nn.functional.linear`` does.

    Args:
        x: [B, T, F] for the fast form; any [..., F] is accepted.
        weight: [D, F].
        bias: [D] or None.

    Returns:
        [..., D].
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
    )
