"""Actions: what users give is checked for its type and shape, and laid into one array.

Each type of array would be a new signature, and seconds of compilation, so there is one
array for the compiled code to read. Whether an action is in its space the kernel checks.
"""

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Tuple

from popgym.core.layout import repeated


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


def null_action(space: Space) -> Any:
    """Return the action to show where there was none: zeros, or the lowest where zeros are none.

    Where a Box has no lowest action either, it is the one nearest to zero.

    Raises:
        ValueError: If the space is neither Discrete, Multi…, Box, nor a Tuple or Dict of these.
    """
    if isinstance(space, Tuple):
        return tuple(null_action(part) for part in space.spaces)
    if isinstance(space, Dict):
        return {key: null_action(part) for key, part in space.spaces.items()}
    if isinstance(space, Discrete):
        return 0 if 0 in space else int(space.start)
    if isinstance(space, MultiBinary):
        return np.zeros(space.shape, space.dtype)
    if isinstance(space, (MultiDiscrete, Box)):
        zeros = np.zeros(space.shape, space.dtype)
        return zeros if zeros in space else lowest(space)
    raise ValueError(
        f"{space} has no null action: it must be made of Discrete, MultiDiscrete, MultiBinary, "
        "Box, Tuple and Dict"
    )


def lowest(space: MultiDiscrete | Box) -> np.ndarray:
    """The lowest element; where there is no lowest number, the one nearest to zero."""
    if isinstance(space, MultiDiscrete):
        return np.array(space.start, space.dtype)
    nearest = np.minimum(space.high, 0)
    return np.where(np.isfinite(space.low), space.low, nearest).astype(space.dtype)


def null_actions(space: Space, count: int) -> Any:
    """Return a batch of null actions: the previous actions of environments that have none yet.

    Raises:
        ValueError: As `null_action`.
    """
    return repeated(space, null_action(space), count)
