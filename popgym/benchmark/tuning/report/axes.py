"""The parallel coordinates of a search: an axis for each setting, for the steps and the score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from popgym.benchmark.tuning.best import Scored

_MOST = 8  # different values that each have a place of their own on an axis
_UNKNOWN = "default"


class Axis(NamedTuple):
    """One axis."""

    title: str
    places: list[float]
    """The place of each trial on it."""
    ticks: list[float]
    labels: list[str]
    """Texts of the ticks."""


def shown(found: Sequence[Scored]) -> list[Scored]:
    """Return the trials that have a score, the worst first, so that the best are drawn on top."""
    return [one for one in reversed(found) if one.score is not None]


def axes(found: Sequence[Scored]) -> list[Axis]:
    """Return the axes of trials that have a score: their settings, their steps, and the score."""
    settings = [axis(key, [one.values[key] for one in found]) for key in found[0].values]
    steps = axis("steps", [one.steps for one in found])
    return [*settings, steps, _score([float(one.score or 0.0) for one in found])]


def axis(title: str, values: Sequence[Any]) -> Axis:
    """Return an axis: with few different values they stand side by side, others on a scale.

    The scale is logarithmic if all numbers are above 0.
    """
    different = _sorted(values)
    if len(different) <= _MOST or not all(map(_is_number, different)):
        places = [float(different.index(value)) for value in values]
        return Axis(
            title, places, list(map(float, range(len(different)))), list(map(_text, different))
        )
    if different[0] > 0:
        numbers = [math.log10(value) for value in values]
        return Axis(title, numbers, *_ticks(numbers, lambda place: 10**place))
    return Axis(title, list(map(float, values)), *_ticks(values, float))


def _score(scores: list[float]) -> Axis:
    return Axis("score", scores, *_ticks(scores, float))


def _ticks(places: Sequence[float], value_at: Any) -> tuple[list[float], list[str]]:
    """Return five ticks from the lowest place to the highest, or one if they are the same."""
    low, high = min(places), max(places)
    count = 5 if high > low else 1
    ticks = [low + (high - low) * i / max(1, count - 1) for i in range(count)]
    return ticks, [f"{value_at(tick):.3g}" for tick in ticks]


def _sorted(values: Sequence[Any]) -> list[Any]:
    """Return the different values: numbers by size, then all others by their text."""
    different: list[Any] = []
    for value in values:
        if value not in different:
            different.append(value)
    return sorted(different, key=lambda v: (not _is_number(v), v if _is_number(v) else 0, _text(v)))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: Any) -> str:
    if value is None:
        return _UNKNOWN
    return f"{value:.3g}" if isinstance(value, float) else str(value)
