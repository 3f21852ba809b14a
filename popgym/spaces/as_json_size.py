"""Counts the numbers of a space in JSON data, before memory is allocated for the space."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

MOST_PARTS = 10_000


def check_size(data: Any, most: int) -> None:
    """Check that a space is not larger than what reads its elements.

    Args:
        data: What ``space_to_data`` returned, or something else that is in its place in a file.
        most: How many numbers a flat element may have; a choice of n counts as n.

    Raises:
        ValueError: If there are more, or more than ``MOST_PARTS`` parts, or a size is no size.
    """
    total = 0
    for count, part in enumerate(_parts(data), 1):
        total += _numbers(part)
        if total > most or count > MOST_PARTS:
            raise ValueError(
                f"a space has more than {most:,} numbers or {MOST_PARTS:,} parts, which is more "
                "than the weights can be for"
            )


def _parts(data: Any) -> Iterator[dict[str, Any]]:
    """Yield the parts that are not nested. What is wrong with the data is found later."""
    waiting = [data]
    while waiting:
        part = waiting.pop()
        if not isinstance(part, dict):
            raise ValueError("a part of a space is not described by a table")
        inner = part.get("spaces")
        if inner is None:
            yield part
        elif isinstance(inner, dict):
            waiting += inner.values()
        else:
            waiting += [each[-1] if isinstance(each, list) and each else each for each in inner]


def _numbers(part: dict[str, Any]) -> int:
    kind = part.get("kind")
    if kind == "Discrete":
        return _size(part["n"])
    if kind == "MultiDiscrete":
        return max(sum(map(_size, _flat(part["nvec"]))), _volume(part.get("shape", [])))
    shape = part["n"] if kind == "MultiBinary" else part.get("shape", [])
    return _volume(shape if isinstance(shape, list) else [shape])


def _flat(numbers: Any) -> Iterator[Any]:
    waiting = [numbers]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        else:
            yield each


def _volume(shape: Any) -> int:
    return math.prod(map(_size, shape)) if len(shape) <= 32 else _size(None)


def _size(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise ValueError(f"a size in a space must be a whole number of at least 0, got {number!r}")
    return min(number, 1 << 62)  # products of larger ones would take long
