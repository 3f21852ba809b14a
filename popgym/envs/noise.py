"""Noise upon two observed numbers, which the noisy families share."""

from typing import Any

import numpy as np

from popgym.core.arguments import real_number
from popgym.core.family import FieldType
from popgym.core.random import normal_pair
from popgym.core.rules import Record, rule


@rule
def show(s: Record, p: Record, first: float, second: float, obs: Any) -> None:
    """Writes two numbers with independent normal noise, clipped to the observation space."""
    a, b = normal_pair(s)
    obs[0] = min(max(first + p.noise_sigma * a, -p.limits[0]), p.limits[0])
    obs[1] = min(max(second + p.noise_sigma * b, -p.limits[1]), p.limits[1])
    s.seen[0], s.seen[1] = obs[0], obs[1]


def noise_params(noise_sigma: float, limits: tuple[float, float]) -> dict[str, Any]:
    """The parameters that `show` reads.

    Args:
        noise_sigma: The noise's standard deviation.
        limits: How large each of the two numbers can be observed.

    Raises:
        ValueError: `noise_sigma` is negative or no finite real number.
    """
    sigma = real_number("noise_sigma", noise_sigma, 0)
    return {"noise_sigma": sigma, "limits": np.array(limits)}


NOISE_FIELDS: dict[str, FieldType] = {"seen": (np.float32, (2,))}
"""What `show` remembers, for drawings."""
