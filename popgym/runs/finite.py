"""Finds weights of a network that are not finite."""

from __future__ import annotations

import torch
from torch import nn


def not_finite(net: nn.Module) -> str:
    """Return the name of the first weight that is not finite; "" if all are.

    A buffer may be infinite, as masks of attention are, but not NaN.
    """
    for name, weight in net.named_parameters():
        if not torch.isfinite(weight).all():
            return name
    for name, buffer in net.named_buffers():
        if torch.isnan(buffer).any():
            return name
    return ""
