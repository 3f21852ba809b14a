"""Observations and actions of a whole batch as rows of float32, for networks to read."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Tuple

from popgym.core.layout import stacked

Path = tuple[Any, ...]
"""Where a part lies in nested tuples and dicts: the indices and keys that lead to it."""

MOST_CHOICES = 2**20
"""The most numbers that a one-hot part may have: its weights alone take half a gigabyte."""


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
    outside the space are not looked for (`popgym.spaces.agent_input.AgentInput.check` does).

    Args:
        space: The space of a single element: Box, Discrete, MultiDiscrete, MultiBinary, or a
            Tuple or Dict of these, nested at will.

    Raises:
        ValueError: If a part has no fixed size, like Text, Sequence, Graph and OneOf, or too many
            choices to be one-hot, or if there is no part.
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
            raise ValueError(
                f"{named(space)} has no parts to flatten; it needs a Box, Discrete, MultiDiscrete "
                "or MultiBinary"
            )

    def __call__(
        self, batch: Any, out: np.ndarray | None = None, rows: np.ndarray | None = None
    ) -> np.ndarray:
        """Flattens a batch.

        Args:
            batch: An element of the batched space: arrays [B, ...] in tuples and dicts.
            out: Where to write, [B, size] float32, its rows contiguous or not; a new array if
                left out.
            rows: The indices of the only elements to flatten, so that B is their number; what
                the others hold does not matter. None: all.

        Returns:
            [B, size] float32.
        """
        if out is None:
            count = len(follow(self._parts[0][0], batch)) if rows is None else len(rows)
            out = np.empty((count, self.size), np.float32)
        for path, writer in self._parts:
            values = follow(path, batch)
            writer.write(values if rows is None else np.asarray(values)[rows], out)
        return out

    def flatten_one(self, element: Any) -> np.ndarray:
        """Flattens a single element of the space: [size] float32."""
        return self(stacked(self.space, [element]))[0]


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
        counts = np.reshape(counts, -1).astype(np.int64)
        self.size = int(counts.sum())
        self.columns = slice(begin, begin + self.size)
        self.numbers = len(counts)
        # In int64 numbers wrap around, so that also the differences of uint64 are right.
        self.shift = begin + np.cumsum(counts) - counts - np.reshape(starts, -1).astype(np.int64)

    def write(self, values: np.ndarray, out: np.ndarray) -> None:
        """Writes values [B, ...] into the columns of out [B, ...]."""
        out[:, self.columns] = 0.0
        values = np.asarray(values).astype(np.int64, copy=False)
        places = values.reshape(len(out), self.numbers) + self.shift
        out[np.arange(len(out))[:, None], places] = 1.0


def make_writer(space: Space, begin: int) -> OneHot | Plain:
    """What writes a part of a space, from column `begin` on.

    Raises:
        ValueError: If the space has no fixed size, or too many choices to be one-hot.
    """
    if isinstance(space, (Discrete, MultiDiscrete)):
        counts = space.n if isinstance(space, Discrete) else space.nvec
        if np.sum(counts, dtype=np.float64) > MOST_CHOICES:
            raise ValueError(
                f"{named(space)} cannot be flattened: it has too many choices to be one-hot; "
                f"they may be {MOST_CHOICES:,} at most, use a Box for more"
            )
        return OneHot(counts, space.start, begin)
    if isinstance(space, (Box, MultiBinary)):
        return Plain(space, begin)
    raise ValueError(
        f"{named(space)} cannot be flattened; a space may be made of Box, Discrete, "
        "MultiDiscrete, MultiBinary, Tuple and Dict"
    )


def named(space: Space) -> str:
    """A space in one line, for messages."""
    return " ".join(str(space).split())
