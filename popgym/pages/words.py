"""Numbers as readers see them."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

UNKNOWN = "–"


def number(value: float, digits: int = 3) -> str:
    """Return a number with a true minus sign, or a dash if it is unknown."""
    if not math.isfinite(value):
        return UNKNOWN
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")  # + 0.0: no minus zero


def interval(estimate: Sequence[float], digits: int = 2) -> str:
    """Return ``value [low, high]``, or the value alone if there is no interval.

    Args:
        estimate: Value, lower and upper bound; the bounds are NaN if they are not known.
        digits: Digits after the point.
    """
    value, low, high = (number(x, digits) for x in estimate)
    return value if math.isnan(estimate[1]) else f"{value} [{low}, {high}]"


def percent(share: float) -> str:
    """Return a share as a percentage."""
    return f"{100 * share:.0f} %"


def size(value: float) -> str:
    """Return a count in short: 950, 12.5 k, 1.2 M."""
    if not math.isfinite(value):
        return UNKNOWN
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:.3g} {name}"
    return f"{value:.0f}"


def span(values: Collection[float]) -> str:
    """Return ``3``, or ``2–3`` if the numbers differ."""
    low, high = min(values), max(values)
    return size(low) if low == high else f"{size(low)}–{size(high)}"


def listed(names: Sequence[str], most: int = 4, what: str = "") -> str:
    """Return names with commas; ``a, b, c, d and 3 more`` if there are many."""
    rest = len(names) - most
    if rest <= 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {rest} more {what}".rstrip()


def count(n: int, one: str, many: str = "") -> str:
    """Return a number with its noun: 1 task, 2 tasks."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
