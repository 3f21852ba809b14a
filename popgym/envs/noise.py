"""Noise on two observed numbers, for the noisy families."""

from typing import Any

import numpy as np

from popgym.core.arguments import real_number
from popgym.core.family import FieldType
from popgym.core.random import normal_pair
from popgym.core.rules import Record, rule


@rule
def show(s: Record, p: Record, first: float, second: float, obs: Any) -> None:
    """Write two numbers with independent normal noise, clipped to the observation space."""
    a, b = normal_pair(s)
    obs[0] = min(max(first + p.noise_sigma * a, -p.limits[0]), p.limits[0])
    obs[1] = min(max(second + p.noise_sigma * b, -p.limits[1]), p.limits[1])
    s.seen[0], s.seen[1] = obs[0], obs[1]


def noise_params(noise_sigma: float, limits: tuple[float, float]) -> dict[str, Any]:
    """Return the parameters of ``show``.

    Args:
        noise_sigma: The standard deviation of the noise.
        limits: The largest absolute value that is observed of each number.

    Raises:
        ValueError: If ``noise_sigma`` is negative or not a finite real number.
    """
    sigma = real_number("noise_sigma", noise_sigma, 0)
    return {"noise_sigma": sigma, "limits": np.array(limits)}


NOISE_FIELDS: dict[str, FieldType] = {"seen": (np.float32, (2,))}
"""The field in which ``show`` keeps the observed numbers, for pictures."""
