"""One dimension of a search space: a range or a choice, as a user writes it and as it is drawn."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_DIGITS = 3  # significant digits of a real number that is drawn, so that people can read it
_HOW = "name a range, LOW..HIGH, or values, such as 0.8,0.9"


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, drawn log-uniformly; whole numbers if both ends are."""

    low: float
    high: float

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are drawn."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def probes(self) -> list[Any]:
        """Values to check: if the settings allow these, they allow all."""
        return [self.low, self.high]

    @property
    def data(self) -> Any:
        """The dimension as JSON, which ``dimension_of`` reads."""
        return f"{self.low}..{self.high}"

    def draw(self, rng: np.random.Generator) -> Any:
        """Return a random value."""
        high = self.high + 1 if self.is_whole else self.high
        value = math.exp(rng.uniform(math.log(self.low), math.log(high)))
        number = math.floor(value) if self.is_whole else float(f"{value:.{_DIGITS}g}")
        return min(max(number, self.low), self.high)

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}"


@dataclass(frozen=True)
class Choice:
    """Values that are drawn with the same probability. For joined keys each value is a list."""

    values: tuple[Any, ...]

    @property
    def probes(self) -> list[Any]:
        """As in ``Range``: all values."""
        return list(self.values)

    @property
    def data(self) -> Any:
        """As in ``Range``."""
        return list(self.values)

    def draw(self, rng: np.random.Generator) -> Any:
        """Return a random value."""
        return self.values[int(rng.integers(len(self.values)))]

    def __str__(self) -> str:
        return ", ".join(map(_shown, self.values))


Dimension = Range | Choice


def keys_of(name: str) -> list[str]:
    """Return the settings of a dimension: ``rollout:num_envs`` are two that are drawn together."""
    return name.split(":")


def assigned(name: str, value: Any) -> dict[str, Any]:
    """Return the settings that a value of a dimension means."""
    keys = keys_of(name)
    return dict(zip(keys, value, strict=True)) if len(keys) > 1 else {name: value}


def parse_search(texts: Iterable[str]) -> dict[str, Any]:
    """Parse every ``KEY=WHAT`` of the command line, for ``dimension_of``.

    Raises:
        ValueError: If a text has no key or no equals sign, or a key is given twice.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, what = (part.strip() for part in text.partition("="))
        if not equals or not name or not what:
            raise ValueError(
                f"--search takes KEY=WHAT, such as lr=1e-4..3e-3, got {text!r}: {_HOW}"
            )
        if name in found:
            raise ValueError(f"--search has {name} twice, {found[name]} and {what}: remove one")
        found[name] = what
    return found


def dimension_of(name: str, what: Any) -> Dimension:
    """Return a dimension.

    Args:
        name: Its setting, or several joined by ":" that are drawn together.
        what: A ``Range`` or ``Choice``; a text such as "1e-4..3e-3" or "0.8,0.9"; or a list of
            values. For joined settings the text is such as "32:64,64:32", and the list has lists.

    Raises:
        ValueError: If it is none of these, or a range is empty or reaches zero.
    """
    if isinstance(what, (Range, Choice)):
        what = what.data
    if isinstance(what, str) and ".." in what:
        return _range(name, what)
    values = _values(name, what) if isinstance(what, str) else what
    if not isinstance(values, (list, tuple)):
        raise ValueError(f"the search of {name} cannot be {what!r}: {_HOW}")
    return _choice(name, values)


def _range(name: str, text: str) -> Range:
    low, high = (_number(name, part, text) for part in text.split("..", 1))
    if len(keys_of(name)) > 1:
        raise ValueError(f"{name} are drawn together and need values, such as 1:2,3:4, got {text}")
    if low <= 0:
        raise ValueError(
            f"the search of {name} begins at {low:g}, but a range is drawn on a logarithmic scale "
            "and must begin above 0: name values, separated by commas"
        )
    if low >= high:
        raise ValueError(
            f"the search of {name} goes from {low:g} to {high:g}: its low end must be below its "
            "high end"
        )
    return Range(low, high)


def _number(name: str, text: str, whole: str) -> float:
    try:
        number = json.loads(text)
    except ValueError:
        number = None
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise ValueError(f"the search of {name} has no number {text!r} in {whole!r}: {_HOW}")
    return number


def _choice(name: str, values: Sequence[Any]) -> Choice:
    if len(values) < 2:
        raise ValueError(
            f"the search of {name} has {len(values)} values: it needs at least two; --set fixes one"
        )
    keys = keys_of(name)
    for value in values:
        if len(keys) > 1 and not (isinstance(value, (list, tuple)) and len(value) == len(keys)):
            raise ValueError(
                f"the search of {name} needs {len(keys)} values for each trial, such as "
                f"{':'.join('1' for _ in keys)}, got {value!r}"
            )
    return Choice(tuple(list(value) if isinstance(value, tuple) else value for value in values))


def _values(name: str, text: str) -> list[Any]:
    """Return the values of a text, separated by commas; as JSON, which may have lists, or as is."""
    if len(keys_of(name)) > 1:
        return [[_value(part) for part in each.split(":")] for each in text.split(",")]
    try:
        return json.loads(f"[{text}]")
    except ValueError:
        return [_value(part) for part in text.split(",")]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()


def _shown(value: Any) -> str:
    return ":".join(map(str, value)) if isinstance(value, list) else str(value)
