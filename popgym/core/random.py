"""Random numbers for one environment, all drawn from `s.rng`.

The generator is SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
Generators", OOPSLA 2014): a counter in the environment's own record, and a mixing function.
So an environment's luck depends on its seed and its index alone, not on the size of the
batch nor on the number of threads.
"""

import math
from typing import Any

import numpy as np

from popgym.core.rules import Record, rule

GAMMA = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
# Shifts are uint64 as well: numba makes a float of an int64 and a uint64.
BY_11, BY_27, BY_30, BY_31, BY_32 = (np.uint64(n) for n in (11, 27, 30, 31, 32))
TWO_TO_53 = 9007199254740992.0


@rule
def mix(z: Any) -> Any:
    """SplitMix64's bijection of 64 bits."""
    z = (z ^ (z >> BY_30)) * MIX_1
    z = (z ^ (z >> BY_27)) * MIX_2
    return z ^ (z >> BY_31)


@rule
def bits(s: Record) -> Any:
    """64 random bits."""
    s.rng += GAMMA
    return mix(s.rng)


@rule
def integer(s: Record, n: int) -> Any:
    """A whole number from 0 to n - 1, n < 2³². The bias is below n / 2³²."""
    return np.int64(((bits(s) >> BY_32) * np.uint64(n)) >> BY_32)


@rule
def uniform(s: Record, low: float, high: float) -> Any:
    """A real number from low (inclusive) to high (exclusive)."""
    return low + (high - low) * (np.float64(bits(s) >> BY_11) / TWO_TO_53)


@rule
def normal_pair(s: Record) -> Any:
    """Two independent draws from the standard normal distribution.

    Marsaglia and Bray, "A Convenient Method for Generating Normal Variables" (1964): a point
    drawn uniformly from the unit disc gives both the angle and the radius.
    """
    while True:
        x, y = uniform(s, -1.0, 1.0), uniform(s, -1.0, 1.0)
        square = x * x + y * y
        if 0.0 < square < 1.0:
            scale = math.sqrt(-2.0 * math.log(square) / square)
            return scale * x, scale * y


@rule
def shuffle(s: Record, items: Any) -> None:
    """Puts items into an order drawn uniformly (Fisher and Yates)."""
    for i in range(len(items) - 1, 0, -1):
        j = integer(s, i + 1)
        items[i], items[j] = items[j], items[i]


def stream(seed: Any, index: Any) -> np.ndarray:
    """Where the random stream of environment `index` under `seed` begins.

    Args:
        seed: Non-negative whole numbers below 2⁶⁴, one or an array.
        index: The environments' places in their batch, of a shape that broadcasts.

    Returns:
        uint64 values for `s.rng`.
    """
    seed, index = np.atleast_1d(np.asarray(seed, np.uint64)), np.asarray(index, np.uint64)
    return mix(mix(seed + GAMMA) + index * MIX_2)
