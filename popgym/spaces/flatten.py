"""Flattening of batched observations and actions to rows of float32, for network inputs."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Tuple

from popgym.core.layout import stacked

Path = tuple[Any, ...]
"""The indices and keys that lead to a part in nested tuples and dicts."""

MOST_CHOICES = 2**20
"""The maximum length of a one-hot part; its weights would already take half a gigabyte."""


def leaves(space: Space, path: Path = ()) -> Iterator[tuple[Path, Space]]:
    """Yield the parts of a nested space that are not nested themselves, in Gymnasium's order."""
    if isinstance(space, Tuple):
        for i, part in enumerate(space.spaces):
            yield from leaves(part, (*path, i))
    elif isinstance(space, Dict):
        for key, part in space.spaces.items():
            yield from leaves(part, (*path, key))
    else:
        yield path, space


def follow(path: Path, value: Any) -> Any:
    """Return the part of a nested value to which a path leads."""
    for key in path:
        value = value[key]
    return value


def observation_name(path: Path) -> str:
    """Return the name of a part of an observation, as in observation['camera'][0]."""
    return "observation" + "".join(f"[{key!r}]" for key in path)


class Flattener:
    """Conversion of batched elements to float32 rows, as in ``gymnasium.spaces.flatten``.

    Discrete and MultiDiscrete become one-hot; the numbers of other spaces are copied in order.
    Values outside the space are not detected; ``popgym.spaces.agent_input.AgentInput.check``
    detects them.

    Args:
        space: The space of a single element: Box, Discrete, MultiDiscrete, MultiBinary, or a
            Tuple or Dict of these, with any nesting.
        parts: The parts of the space to convert, as ``leaves`` yields them. None: all.

    Raises:
        ValueError: If a part has no fixed size, such as Text, Sequence, Graph and OneOf, or too
            many choices for one-hot encoding, or if the space has no parts.
    """

    size: int
    """The length of a row."""

    def __init__(self, space: Space, parts: Sequence[tuple[Path, Space]] | None = None) -> None:
        self.space, self.size = space, 0
        self._parts: list[tuple[Path, OneHot | Plain]] = []
        for path, part in leaves(space) if parts is None else parts:
            writer = make_writer(part, self.size)
            self._parts.append((path, writer))
            self.size += writer.size
        if not self._parts and parts is None:
            raise ValueError(
                f"{named(space)} has no parts to flatten; it needs a Box, Discrete, MultiDiscrete "
                "or MultiBinary"
            )

    def __call__(
        self, batch: Any, out: np.ndarray | None = None, rows: np.ndarray | None = None
    ) -> np.ndarray:
        """Flatten a batch.

        Args:
            batch: An element of the batched space: arrays, [B, ...], in tuples and dicts.
            out: The array to write to, [B, size] float32; it need not be contiguous. None: a new
                array.
            rows: The indices of the elements to flatten; B is then their number, and the values
                of the other elements are ignored. None: all elements.

        Returns:
            The rows, [B, size] float32.
        """
        if out is None:
            count = len(follow(self._parts[0][0], batch)) if rows is None else len(rows)
            out = np.empty((count, self.size), np.float32)
        for path, writer in self._parts:
            values = follow(path, batch)
            writer.write(values if rows is None else np.asarray(values)[rows], out)
        return out

    def flatten_one(self, element: Any) -> np.ndarray:
        """Flatten a single element of the space to [size] float32."""
        return self(stacked(self.space, [element]))[0]


class Plain:
    """A writer that copies the numbers of a Box or MultiBinary in order."""

    def __init__(self, space: Space, begin: int) -> None:
        self.size = int(np.prod(space.shape or ()))
        self.columns = slice(begin, begin + self.size)

    def write(self, values: np.ndarray, out: np.ndarray) -> None:
        """Write values, [B, ...], into the columns of ``out``, [B, ...]."""
        out[:, self.columns] = np.reshape(values, (len(out), self.size))


class OneHot:
    """A writer that encodes the numbers of a Discrete or MultiDiscrete as one-hot vectors."""

    def __init__(self, counts: Any, starts: Any, begin: int) -> None:
        counts = np.reshape(counts, -1).astype(np.int64)
        self.size = int(counts.sum())
        self.columns = slice(begin, begin + self.size)
        self.numbers = len(counts)
        # int64 arithmetic wraps around, so the differences of uint64 numbers are correct, too.
        self.shift = begin + np.cumsum(counts) - counts - np.reshape(starts, -1).astype(np.int64)

    def write(self, values: np.ndarray, out: np.ndarray) -> None:
        """Write values, [B, ...], into the columns of ``out``, [B, ...]."""
        out[:, self.columns] = 0.0
        values = np.asarray(values).astype(np.int64, copy=False)
        places = values.reshape(len(out), self.numbers) + self.shift
        out[np.arange(len(out))[:, None], places] = 1.0


def make_writer(space: Space, begin: int) -> OneHot | Plain:
    """Return the writer for a part of a space; its first column is ``begin``.

    Raises:
        ValueError: If the space has no fixed size, or too many choices for one-hot encoding.
    """
    if isinstance(space, (Discrete, MultiDiscrete)):
        counts = space.n if isinstance(space, Discrete) else space.nvec
        if np.sum(counts, dtype=np.float64) > MOST_CHOICES:
            raise ValueError(
                f"{named(space)} cannot be flattened: it has too many choices for one-hot "
                f"encoding; use at most {MOST_CHOICES:,} choices, or a Box"
            )
        return OneHot(counts, space.start, begin)
    if isinstance(space, (Box, MultiBinary)):
        return Plain(space, begin)
    raise ValueError(
        f"{named(space)} cannot be flattened; a space must be made of Box, Discrete, "
        "MultiDiscrete, MultiBinary, Tuple and Dict"
    )


def named(space: Space) -> str:
    """Return a space as one line of text, for messages."""
    return " ".join(str(space).split())
