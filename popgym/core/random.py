"""Random numbers for one environment, generated from its own stream ``s.rng``.

The generator is SplitMix64: a counter in the environment's record, and a mixing function. The
random numbers of an environment therefore depend only on its seed and its index, and not on the
size of the batch or the number of threads.

Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014).
"""

import math
from typing import Any

import numpy as np

from popgym.core.rules import Record, rule

GAMMA = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
# Shifts are uint64, too, because numba converts an int64 and a uint64 to float64.
BY_11, BY_27, BY_30, BY_31, BY_32 = (np.uint64(n) for n in (11, 27, 30, 31, 32))
TWO_TO_53 = 9007199254740992.0


@rule
def mix(z: Any) -> Any:
    """Return the image of 64 bits under SplitMix64's mixing function, which is a bijection."""
    z = (z ^ (z >> BY_30)) * MIX_1
    z = (z ^ (z >> BY_27)) * MIX_2
    return z ^ (z >> BY_31)


@rule
def bits(s: Record) -> Any:
    """Return 64 random bits."""
    s.rng += GAMMA
    return mix(s.rng)


@rule
def integer(s: Record, n: int) -> Any:
    """Return a random whole number from 0 to n − 1, n < 2³². The bias is less than n / 2³²."""
    return np.int64(((bits(s) >> BY_32) * np.uint64(n)) >> BY_32)


@rule
def uniform(s: Record, low: float, high: float) -> Any:
    """Return a random real number from ``low`` (inclusive) to ``high`` (exclusive)."""
    return low + (high - low) * (np.float64(bits(s) >> BY_11) / TWO_TO_53)


@rule
def normal_pair(s: Record) -> Any:
    """Return two independent random numbers with the standard normal distribution.

    The angle and the radius are computed from a random point of the unit disc.

    Marsaglia and Bray, "A Convenient Method for Generating Normal Variables" (1964).
    """
    while True:
        x, y = uniform(s, -1.0, 1.0), uniform(s, -1.0, 1.0)
        square = x * x + y * y
        if 0.0 < square < 1.0:
            scale = math.sqrt(-2.0 * math.log(square) / square)
            return scale * x, scale * y


@rule
def shuffle(s: Record, items: Any) -> None:
    """Put items into a uniformly random order, with the Fisher–Yates algorithm."""
    for i in range(len(items) - 1, 0, -1):
        j = integer(s, i + 1)
        items[i], items[j] = items[j], items[i]


def stream(seed: Any, index: Any) -> np.ndarray:
    """Return the initial value of the random stream of environment ``index`` for a seed.

    Args:
        seed: A whole number from 0 to 2⁶⁴ − 1, or an array of such numbers.
        index: The indices of the environments in their batch; the shape must broadcast.

    Returns:
        The uint64 values for ``s.rng``.
    """
    seed, index = np.atleast_1d(np.asarray(seed, np.uint64)), np.asarray(index, np.uint64)
    return mix(mix(seed + GAMMA) + index * MIX_2)
