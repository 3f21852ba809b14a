"""The buffer into which a user's actions are copied after checks of their type and shape.

The compiled code reads only this buffer. If it read the user's arrays, each new array type would
need a compilation of several seconds. The kernel checks whether an action is in its space.
"""

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Tuple

from popgym.core.layout import repeated


class ActionBuffer:
    """The current actions of n environments.

    Args:
        space: The space of a single action.
        count: The number of environments, n.
        unbounded: Whether the rules clip Box actions themselves, so that any finite number is
            allowed.
    """

    values: np.ndarray
    """The actions, [n] for Discrete, [n, k] for MultiDiscrete and Box."""
    low: np.ndarray
    """The lowest allowed action, [k], of the same type as ``values``; k is 1 for Discrete."""
    high: np.ndarray
    """The highest allowed action, [k]."""

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
        """Copy a batch of actions into the buffer.

        Raises:
            ValueError: If the actions have the wrong type, or if their shape is not that of one
                action for each environment.
        """
        self.values[...] = self.read(actions, self.values.shape)

    def write_one(self, action: Any) -> None:
        """Copy the action of a single environment into the buffer; see ``write``."""
        quick = type(action) is np.int64 or (type(action) is int and abs(action) < 2**63)
        if quick and self.values.ndim == 1 and self.values.dtype == np.int64:
            self.values[0] = action  # the most common case
        else:
            self.values[0] = self.read(action, self.values.shape[1:])

    def read(self, actions: Any, shape: tuple[int, ...]) -> np.ndarray:
        """Return the actions as an array of the given shape; see ``write``."""
        wanted = "real" if "f" in self.kinds else "whole"
        try:
            array = np.asarray(actions)
        except (ValueError, TypeError):  # rows of different lengths, a tensor on a GPU
            array = np.array(None)
        if array.dtype.kind not in self.kinds:
            raise ValueError(f"actions must be {wanted} numbers in {self.space}, got {actions!r}")
        if array.shape != shape:
            raise ValueError(f"actions must have shape {shape}, got {array.shape}: {actions!r}")
        if array.dtype == np.uint64:  # would become a negative number in int64
            array = np.minimum(array, np.iinfo(np.int64).max)
        return array


def limits(space: Space) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest action, as arrays of an action's shape.

    Raises:
        TypeError: If the kernel does not support actions of this space.
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
    """Return the action that stands for the previous action in the first step of an episode.

    It is zero, or the lowest action if zero is not in the space. If a Box has no lowest action,
    it is the action nearest to zero.

    Raises:
        ValueError: If the space is not made of Discrete, MultiDiscrete, MultiBinary, Box, Tuple
            and Dict.
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
    """Return the lowest element; where a number has no lower bound, the number nearest to zero."""
    if isinstance(space, MultiDiscrete):
        return np.array(space.start, space.dtype)
    nearest = np.minimum(space.high, 0)
    return np.where(np.isfinite(space.low), space.low, nearest).astype(space.dtype)


def null_actions(space: Space, count: int) -> Any:
    """Return a batch of null actions: the previous actions in the first step of an episode.

    Raises:
        ValueError: If ``null_action`` raises it.
    """
    return repeated(space, null_action(space), count)
