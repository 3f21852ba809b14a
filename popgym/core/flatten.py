"""Observations and actions of a whole batch as rows of float32, for networks to read."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Tuple
from gymnasium.vector.utils import concatenate, create_empty_array

Path = tuple[Any, ...]
"""Where a part lies in nested tuples and dicts: the indices and keys that lead to it."""


def leaves(space: Space, path: Path = ()) -> Iterator[tuple[Path, Space]]:
    """The parts of a nested space that are not nested themselves, in gymnasium's order."""
    if isinstance(space, Tuple):
        for i, part in enumerate(space.spaces):
            yield from leaves(part, (*path, i))
    elif isinstance(space, Dict):
        for key, part in space.spaces.items():
            yield from leaves(part, (*path, key))
    else:
        yield path, space


def follow(path: Path, value: Any) -> Any:
    """The part of a nested value to which a path leads."""
    for key in path:
        value = value[key]
    return value


class Flattener:
    """Turns batched elements of a space into float32 rows, as `gymnasium.spaces.flatten` does.

    Discrete and MultiDiscrete become one-hot, everything else is laid out in order. Values
    outside the space are not looked for (`popgym.core.agent_input.AgentInput.check` does).

    Args:
        space: The space of a single element: Box, Discrete, MultiDiscrete, MultiBinary, or a
            Tuple or Dict of these, nested at will.

    Raises:
        ValueError: A part has no fixed size, like Text, Sequence and Graph, or there is none.
    """

    size: int
    """How many numbers a row has."""

    def __init__(self, space: Space) -> None:
        self.space, self.size = space, 0
        self._parts: list[tuple[Path, OneHot | Plain]] = []
        for path, part in leaves(space):
            writer = make_writer(part, self.size)
            self._parts.append((path, writer))
            self.size += writer.size
        if not self._parts:
            raise ValueError(f"{space} has no parts to flatten")

    def __call__(self, batch: Any, out: np.ndarray | None = None) -> np.ndarray:
        """Flattens a batch.

        Args:
            batch: An element of the batched space: arrays [B, ...] in tuples and dicts.
            out: Where to write, [B, size] float32, its rows contiguous or not; a new array if
                left out.

        Returns:
            [B, size] float32.
        """
        if out is None:
            out = np.empty((len(follow(self._parts[0][0], batch)), self.size), np.float32)
        for path, writer in self._parts:
            writer.write(follow(path, batch), out)
        return out

    def flatten_one(self, element: Any) -> np.ndarray:
        """Flattens a single element of the space: [size] float32."""
        empty = create_empty_array(self.space, 1)
        return self(concatenate(self.space, [element], empty))[0]


class Plain:
    """Writes the numbers of a Box or MultiBinary in order."""

    def __init__(self, space: Space, begin: int) -> None:
        self.size = int(np.prod(space.shape or ()))
        self.columns = slice(begin, begin + self.size)

    def write(self, values: np.ndarray, out: np.ndarray) -> None:
        """Writes values [B, ...] into the columns of out [B, ...]."""
        out[:, self.columns] = np.reshape(values, (len(out), self.size))


class OneHot:
    """Writes the numbers of a Discrete or MultiDiscrete, each as a one among zeros."""

    def __init__(self, counts: Any, starts: Any, begin: int) -> None:
        counts = np.atleast_1d(counts).reshape(-1).astype(np.int64)
        ends = np.cumsum(counts)
        self.size = int(ends[-1])
        self.columns = slice(begin, begin + self.size)
        self.numbers = len(counts)
        self.shift = begin + ends - counts - np.asarray(starts, np.int64).reshape(-1)

    def write(self, values: np.ndarray, out: np.ndarray) -> None:
        """Writes values [B, ...] into the columns of out [B, ...]."""
        out[:, self.columns] = 0.0
        places = np.reshape(values, (len(out), self.numbers)) + self.shift
        out[np.arange(len(out))[:, None], places] = 1.0


def make_writer(space: Space, begin: int) -> OneHot | Plain:
    """What writes a part of a space, from column `begin` on.

    Raises:
        ValueError: The space has no fixed size.
    """
    if isinstance(space, Discrete):
        return OneHot(space.n, space.start, begin)
    if isinstance(space, MultiDiscrete):
        return OneHot(space.nvec, space.start, begin)
    if isinstance(space, (Box, MultiBinary)):
        return Plain(space, begin)
    raise ValueError(
        f"{space} cannot be flattened; a space may be made of Box, Discrete, MultiDiscrete, "
        "MultiBinary, Tuple and Dict"
    )
