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
    """The least action allowed, [k], of the same type; k is 1 for Discrete."""
    high: np.ndarray
    """The greatest action allowed, [k]."""

    def __init__(self, space: Space, count: int, unbounded: bool = False) -> None:
        self.space = space
        low, high = limits(space)
        if unbounded:
            high = np.full_like(high, np.finfo(high.dtype).max)
            low = -high
        self.low, self.high = low.reshape(-1), high.reshape(-1)
        self.values = np.zeros((count, *low.shape), low.dtype)
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
        quick = type(action) is np.int64 or (type(action) is int and abs(action) < 2**63)
        if quick and self.values.ndim == 1 and self.values.dtype == np.int64:
            self.values[0] = action  # what is most often given
        else:
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


def limits(space: Space) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest action, arrays of an action's shape.

    Raises:
        TypeError: There is no kernel for such actions.
    """
    if isinstance(space, Discrete):
        low = np.array(space.start, np.int64)
        return low, low + int(space.n) - 1
    if isinstance(space, MultiDiscrete):
        low, counts = np.asarray(space.start, np.int64), np.asarray(space.nvec, np.int64)
        return low, low + counts - 1
    if isinstance(space, Box):
        return space.low, space.high
    raise TypeError(f"actions can be Discrete, MultiDiscrete or Box, got {space}")
