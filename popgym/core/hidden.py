"""Checks of the hidden initial state that a user passes to ``reset``.

``reset(options={"hidden": {...}})`` starts an episode from a given deal, board, maze or physics.
All values are checked before the environment changes. A family declares one ``HiddenField`` for
each key. The key is also the name of the record's field to which the value is copied.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from popgym.core.arguments import unknown


class HiddenField(Protocol):
    """Declaration of one value of a hidden initial state: its shape and the allowed values."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape for one environment."""

    @property
    def kinds(self) -> str:
        """The accepted kinds of numpy types, as in ``numpy.dtype.kind``."""

    def describe(self) -> str:
        """Return a description of the allowed values."""

    def accepts(self, values: np.ndarray) -> bool:
        """Return whether all values, [n, *shape], are allowed."""


@dataclass(frozen=True)
class Permutation:
    """The numbers from 0 to ``size`` − 1 in any order, for example a deck of cards."""

    size: int
    kinds = "iu"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape for one environment."""
        return (self.size,)

    def describe(self) -> str:
        """Return a description of the allowed values."""
        return f"a permutation of the whole numbers 0 to {self.size - 1}"

    def accepts(self, values: np.ndarray) -> bool:
        """Return whether every row is a permutation."""
        return bool(
            np.array_equal(
                np.sort(values, axis=-1), np.broadcast_to(range(self.size), values.shape)
            )
        )


@dataclass(frozen=True)
class Numbers:
    """Finite real numbers, or whole numbers, from ``low`` to ``high`` (both inclusive)."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    whole: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape for one environment."""
        return np.shape(self.low)

    @property
    def kinds(self) -> str:
        """The accepted kinds of numpy types."""
        return "iu" if self.whole else "fiu"

    def describe(self) -> str:
        """Return a description of the allowed values."""
        bounds = f"from {np.asarray(self.low).tolist()} to {np.asarray(self.high).tolist()}"
        return f"{'whole' if self.whole else 'finite real'} numbers {bounds}"

    def accepts(self, values: np.ndarray) -> bool:
        """Return whether all values are finite and within the bounds."""
        inside = np.isfinite(values) & (values >= self.low) & (values <= self.high)
        return bool(inside.all())


@dataclass(frozen=True)
class Flags:
    """Zeros and ones; a one marks a square of a board."""

    shape: tuple[int, ...]
    kinds = "biu"

    def describe(self) -> str:
        """Return a description of the allowed values."""
        return "zeros and ones"

    def accepts(self, values: np.ndarray) -> bool:
        """Return whether all values are 0 or 1."""
        return bool(((values == 0) | (values == 1)).all())


def read_hidden(
    fields: Mapping[str, HiddenField], hidden: Any, count: int | None
) -> dict[str, np.ndarray]:
    """Check a hidden initial state given by the user, and return it as arrays.

    Args:
        fields: The family's declaration, by key.
        hidden: The user's values, by key.
        count: The number of environments being reset, which is the leading axis of each value.
            None: a single environment, whose values do not have this axis.

    Returns:
        The values by key, each [count or 1, *shape].

    Raises:
        ValueError: If a key is unknown or missing, or if a value has a wrong type or shape or is
            not allowed.
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
    """Check one value of a hidden initial state; see ``read_hidden``."""
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
