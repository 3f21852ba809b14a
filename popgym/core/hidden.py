"""Hidden draws that a user gives: what a value may be, checked before anything changes.

`reset(options={"hidden": {...}})` starts an episode from a given deal, board, maze or
physics. A family declares one field for each key; a key is also the name of the record's
field into which the value goes, so that writing needs no code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from popgym.core.arguments import unknown


class HiddenField(Protocol):
    """One value of a hidden draw: its shape for one environment, and what it may be."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape for one environment."""

    @property
    def kinds(self) -> str:
        """The kinds of numpy types that are accepted, as in `numpy.dtype.kind`."""

    def describe(self) -> str:
        """What is allowed, in words."""

    def accepts(self, values: np.ndarray) -> bool:
        """Whether all values [n, *shape] are allowed."""


@dataclass(frozen=True)
class Permutation:
    """The numbers from 0 to size − 1 in any order, for example a deck of cards."""

    size: int
    kinds = "iu"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape for one environment."""
        return (self.size,)

    def describe(self) -> str:
        """What is allowed, in words."""
        return f"a permutation of the whole numbers 0 to {self.size - 1}"

    def accepts(self, values: np.ndarray) -> bool:
        """Whether every row is a permutation."""
        return bool(
            np.array_equal(
                np.sort(values, axis=-1), np.broadcast_to(range(self.size), values.shape)
            )
        )


@dataclass(frozen=True)
class Numbers:
    """Numbers within bounds (inclusive): whole ones, or real and finite ones."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    whole: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape for one environment."""
        return np.shape(self.low)

    @property
    def kinds(self) -> str:
        """The kinds of numpy types that are accepted."""
        return "iu" if self.whole else "fiu"

    def describe(self) -> str:
        """What is allowed, in words."""
        bounds = f"from {np.asarray(self.low).tolist()} to {np.asarray(self.high).tolist()}"
        return f"{'whole' if self.whole else 'finite real'} numbers {bounds}"

    def accepts(self, values: np.ndarray) -> bool:
        """Whether all values are finite and within the bounds."""
        inside = np.isfinite(values) & (values >= self.low) & (values <= self.high)
        return bool(inside.all())


@dataclass(frozen=True)
class Flags:
    """Zeros and ones on a board: where something is."""

    shape: tuple[int, ...]
    kinds = "biu"

    def describe(self) -> str:
        """What is allowed, in words."""
        return "zeros and ones"

    def accepts(self, values: np.ndarray) -> bool:
        """Whether nothing else is there."""
        return bool(((values == 0) | (values == 1)).all())


def read_hidden(
    fields: Mapping[str, HiddenField], hidden: Any, count: int | None
) -> dict[str, np.ndarray]:
    """Checks a hidden draw against a family's declaration.

    Args:
        fields: The declaration, by key.
        hidden: What the user gave, by key.
        count: How many environments are being reset: the leading axis of each value; None
            for a single environment, whose values have no such axis.

    Returns:
        The values by key, each [count or 1, *shape].

    Raises:
        ValueError: A key is unknown or missing, or a value has the wrong type, shape or content.
    """
    if not isinstance(hidden, Mapping):
        raise ValueError(f"hidden must be a dict with the keys {sorted(fields)}, got {hidden!r}")
    for key in hidden:
        if key not in fields:
            raise ValueError(unknown("key in hidden:", str(key), fields))
    missing = sorted(set(fields) - set(hidden))
    if missing:
        raise ValueError(f"hidden lacks {missing}; it needs all of {sorted(fields)}")
    return {key: read_field(key, field, hidden[key], count) for key, field in fields.items()}


def read_field(key: str, field: HiddenField, value: Any, count: int | None) -> np.ndarray:
    """Checks one value of a hidden draw; see `read_hidden`."""
    shape = field.shape if count is None else (count, *field.shape)
    allowed = f"hidden[{key!r}] must be {field.describe()}, of shape {shape}"
    try:
        values = np.asarray(value)
    except ValueError:  # rows of different lengths
        raise ValueError(f"{allowed}; got {value!r}") from None
    if values.dtype.kind not in field.kinds or values.shape != shape:
        raise ValueError(f"{allowed}; got {values.dtype} of shape {values.shape}")
    if not field.accepts(values):
        raise ValueError(f"{allowed}; got {np.array2string(values, threshold=8)}")
    return values if count is not None else values[None]
