"""Conversion between the arrays that rules write and the elements of Gymnasium's spaces.

Rules write one row of numbers for each environment. Users get numbers, arrays or tuples, as
Gymnasium's spaces prescribe, with a leading axis in a vector environment.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Tuple
from gymnasium.vector.utils import batch_space


def observation_rows(space: Space, count: int) -> np.ndarray:
    """Return an array of zeros with one row for each environment's observation: [count, ...].

    The row of a Discrete has one number, the row of a Tuple of Discretes has one for each of them.

    Raises:
        TypeError: If the kernel does not support observations of this space.
    """
    if isinstance(space, Discrete):
        return np.zeros((count, 1), np.int64)
    if isinstance(space, Tuple):
        if not all(isinstance(part, Discrete) for part in space.spaces):
            raise TypeError(f"a Tuple observation must consist of Discretes, got {space}")
        return np.zeros((count, len(space.spaces)), np.int64)
    if isinstance(space, (Box, MultiBinary, MultiDiscrete)):
        return np.zeros((count, *space.shape), space.dtype)
    raise TypeError(
        f"observations can be Discrete, MultiDiscrete, MultiBinary, Box or Tuple, got {space}"
    )


def batched_observations(space: Space, rows: np.ndarray, copy: bool) -> Any:
    """Return rows of observations as an element of the batched space.

    Args:
        space: The space of a single observation.
        rows: The rows that the rules wrote, [n, ...].
        copy: Whether to copy them. Otherwise the result shares memory with ``rows``.
    """
    if isinstance(space, Discrete):
        return rows[:, 0].copy() if copy else rows[:, 0]
    if isinstance(space, Tuple):
        return tuple(column.copy() if copy else column for column in rows.T)
    return rows.copy() if copy else rows


def single_observation(space: Space) -> Callable[[np.ndarray], Any]:
    """Return a function that converts a row to an element of the space, always a copy."""
    if isinstance(space, Discrete):
        return np.ndarray.item
    return as_tuple if isinstance(space, Tuple) else np.ndarray.copy


def as_tuple(row: np.ndarray) -> tuple[Any, ...]:
    """Return the numbers of a row."""
    return tuple(row.tolist())


def element(space: Space, batch: Any, index: int) -> Any:
    """Return a copy of one element of a batch of a space's elements."""
    if isinstance(space, Tuple):
        return tuple(element(part, b, index) for part, b in zip(space.spaces, batch, strict=True))
    if isinstance(space, Dict):
        return {key: element(part, batch[key], index) for key, part in space.spaces.items()}
    return as_element(space, batch[index])


def stacked(space: Space, elements: Sequence[Any]) -> Any:
    """Return elements of a space as one batch; the types of the arrays do not change.

    Raises:
        ValueError: If the elements have different shapes.
    """
    if isinstance(space, Tuple):
        columns = ([each[i] for each in elements] for i in range(len(space.spaces)))
        return tuple(stacked(*pair) for pair in zip(space.spaces, columns, strict=True))
    if isinstance(space, Dict):
        parts = space.spaces.items()
        return {key: stacked(part, [each[key] for each in elements]) for key, part in parts}
    return np.stack([np.asarray(each) for each in elements])


def as_element(space: Space, value: Any) -> Any:
    """Return a copy of a value, single or batched, with the types that its space prescribes."""
    if isinstance(space, Tuple):
        return tuple(as_element(part, v) for part, v in zip(space.spaces, value, strict=True))
    if isinstance(space, Dict):
        return {key: as_element(part, value[key]) for key, part in space.spaces.items()}
    if not isinstance(space, Discrete):
        return np.array(value, space.dtype)
    return int(value) if space.dtype == np.int64 else np.array(value, space.dtype)[()]


def repeated(space: Space, value: Any, count: int) -> Any:
    """Return a batch of ``count`` copies of an element, with the types of the space."""
    return as_element(batch_space(space, count), stacked(space, [value] * count))
