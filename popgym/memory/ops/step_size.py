"""Initial values for the step size Δ = softplus(… + b) with which memories discretise time."""

import math

import torch
from torch import Tensor


def initial_step_bias(size: int, shortest: float = 1e-3, longest: float = 1e-1) -> Tensor:
    """Return a random bias b [size] such that log softplus(b) is uniformly distributed.

    The values of softplus(b) lie between ``shortest`` and ``longest``.

    Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces" (2023), section
    3.6, https://arxiv.org/abs/2312.00752.
    """
    step = torch.empty(size).uniform_(math.log(shortest), math.log(longest)).exp()
    return step + (-torch.expm1(-step)).log()  # the inverse of softplus
