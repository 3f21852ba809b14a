"""The parallel coordinates of a search: an axis for each setting, for the steps and the score."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from popgym.benchmark.tuning.best import Scored

_TICKS = 5  # on an axis with a scale
_UNKNOWN = "default"


class Axis(NamedTuple):
    """One axis, from 0 at its lower end to 1 at its upper end."""

    title: str
    heights: list[float]
    """Where each trial crosses it."""
    ticks: list[float]
    labels: list[str]
    """Texts of the ticks."""


def shown(found: Sequence[Scored]) -> list[Scored]:
    """Return the trials that have a score, the worst first, so that the best are drawn on top."""
    return [one for one in reversed(found) if one.score is not None]


def axes(found: Sequence[Scored], ranges: Collection[str]) -> list[Axis]:
    """Return the axes of trials that have a score: their settings, their steps, and the score.

    Args:
        found: The trials, at least one.
        ranges: The settings that are drawn from a range. Their axes have a logarithmic scale; on
            those of other settings the values stand side by side.
    """
    settings = []
    for key in found[0].values:
        values = [one.values[key] for one in found]
        settings.append(
            _scaled(key, values, math.log) if key in ranges else _side_by_side(key, values)
        )
    steps = _scaled("steps", [one.steps for one in found], float)
    return [*settings, steps, _scaled("score", [one.score for one in found], float)]


def _side_by_side(title: str, values: Sequence[Any]) -> Axis:
    different = _sorted(values)
    heights = _heights([different.index(value) for value in values], 0, len(different) - 1)
    ticks = _heights(range(len(different)), 0, len(different) - 1)
    return Axis(title, heights, ticks, list(map(_text, different)))


def _scaled(title: str, values: Sequence[Any], scale: Callable[[float], float]) -> Axis:
    """Return an axis on which numbers stand where ``scale`` puts them."""
    if not all(map(_is_number, values)):  # a default that is not a number
        return _side_by_side(title, values)
    ends = min(values), max(values)
    low, high = map(scale, ends)
    spaced = [low + (high - low) * i / (_TICKS - 1) for i in range(_TICKS)]
    numbers = [math.exp(place) if scale is math.log else place for place in spaced]
    if all(isinstance(value, int) for value in values):
        numbers = [float(round(number)) for number in numbers]
    numbers = sorted({min(max(number, ends[0]), ends[1]) for number in numbers})
    return Axis(
        title,
        _heights(map(scale, values), low, high),
        _heights(map(scale, numbers), low, high),
        [f"{number:.3g}" if number < 1000 else f"{number:,.0f}" for number in numbers],
    )


def _heights(places: Any, low: float, high: float) -> list[float]:
    """Return places as heights; where all are the same, in the middle."""
    return [(place - low) / (high - low) if high > low else 0.5 for place in places]


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
