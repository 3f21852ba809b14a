"""Actions: what users give is checked for its type and shape, and laid into one array.

Each type of array would be a new signature, and seconds of compilation, so there is one
array for the compiled code to read. Whether an action is in its space the kernel checks.
"""

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Space


class ActionBuffer:
    """The actions of n environments, [n] for Discrete, [n, k] for MultiDiscrete and Box.

    Args:
        space: The space of a single action.
        count: How many environments there are.
        unbounded: Whether the rules clip a Box's actions themselves, so that any finite
            number may be given.
    """

    values: np.ndarray
    low: np.ndarray
    """The least action allowed, [k] float64; k is 1 for Discrete."""
    high: np.ndarray
    """The greatest action allowed, [k] float64."""

    def __init__(self, space: Space, count: int, unbounded: bool = False) -> None:
        self.space = space
        low, high, dtype = limits(space)
        if unbounded:
            high = np.full(high.shape, np.finfo(dtype).max)
            low = -high
        self.low, self.high = low.reshape(-1), high.reshape(-1)
        self.values = np.zeros((count, *low.shape), dtype)
        self.kinds = "biuf" if isinstance(space, Box) else "biu"

    def write(self, actions: Any) -> None:
        """Takes over a batch of actions.

        Raises:
            ValueError: The actions are not numbers of the space's kind, or not one for each
                environment.
        """
        self.values[...] = self.read(actions, self.values.shape)

    def write_one(self, action: Any) -> None:
        """Takes over the action of a single environment; see `write`."""
        self.values[0] = self.read(action, self.values.shape[1:])

    def read(self, actions: Any, shape: tuple[int, ...]) -> np.ndarray:
        """The actions as an array of the given shape; see `write`."""
        wanted = "real" if "f" in self.kinds else "whole"
        try:
            array = np.asarray(actions)
        except (ValueError, TypeError):  # rows of different lengths, a tensor on a GPU
            array = np.array(None)
        if array.dtype.kind not in self.kinds:
            raise ValueError(f"actions must be {wanted} numbers in {self.space}, got {actions!r}")
        if array.shape != shape:
            raise ValueError(f"actions must have shape {shape}, got {array.shape}: {actions!r}")
        if array.dtype == np.uint64:  # would wrap around into a negative number
            array = np.minimum(array, np.iinfo(np.int64).max)
        return array


def limits(space: Space) -> tuple[np.ndarray, np.ndarray, Any]:
    """The least and the greatest action, float64 of the action's shape, and the array type.

    Raises:
        TypeError: The space is none for which there is a kernel.
    """
    if isinstance(space, Discrete):
        low = np.array(space.start, np.float64)
        return low, low + float(space.n - 1), np.int64
    if isinstance(space, MultiDiscrete):
        low = space.start.astype(np.float64)
        return low, low + space.nvec.astype(np.float64) - 1, np.int64
    if isinstance(space, Box):
        return space.low.astype(np.float64), space.high.astype(np.float64), space.dtype
    raise TypeError(f"actions can be Discrete, MultiDiscrete or Box, got {space}")
