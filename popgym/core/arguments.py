"""Checks of arguments: a function returns a valid value, and otherwise raises an error."""

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np


def nearest(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Return the known names most similar to ``name``, best first; the case does not matter."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    if name.lower() in by_lower:
        return [by_lower[name.lower()]]
    matches = difflib.get_close_matches(name.lower(), by_lower, n=limit, cutoff=0.5)
    return [by_lower[match] for match in matches]


def did_you_mean(name: str, known: Iterable[str], limit: int = 1) -> str:
    """Return "; did you mean 'this' or 'that'?" with similar known names, or "" without any."""
    matches = nearest(name, known, limit)
    return f"; did you mean {' or '.join(map(repr, matches))}?" if matches else ""


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Return an error message for an unknown ``name``, with similar names or all known names."""
    known = list(known)
    hint = did_you_mean(name, known, limit=3) or f"; allowed: {', '.join(known) or 'none'}"
    return f"unknown {what} {name!r}{hint}"


def check_known(keys: Iterable[str], known: Iterable[str], what: str) -> None:
    """Check that all keys are known.

    Raises:
        ValueError: If a key is unknown; the message suggests known keys.
    """
    known = list(known)
    for key in keys:
        if key not in known:
            raise ValueError(unknown(what, str(key), known))


def readable(value: Any) -> str:
    """Return the text of a value for a message; for a very large number its power of ten, 1e+30."""
    if not isinstance(value, int) or abs(value) < 10**15:
        return repr(value)
    try:
        return f"{float(value):g}"
    except OverflowError:
        return f"a number of {value.bit_length():,} bits"


def whole_number(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Check an argument that must be a whole number from ``low`` to ``high``, and return it.

    Raises:
        ValueError: If it is not one; the message says what is allowed.
    """
    is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_whole or value < low or (high is not None and value > high):
        limit = f"at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} must be a whole number {limit}, got {readable(value)}")
    return int(value)


def real_number(name: str, value: Any, low: float, high: float = math.inf) -> float:
    """Check an argument that must be a finite real number from ``low`` to ``high``; return it.

    Raises:
        ValueError: If it is not one; the message says what is allowed.
    """
    is_real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(
        value, bool
    )
    if not is_real or not math.isfinite(value) or not low <= value <= high:
        limit = f"at least {low}" if high == math.inf else f"from {low} to {high}"
        raise ValueError(f"{name} must be a finite real number {limit}, got {value!r}")
    return float(value)


def one_of(name: str, value: Any, allowed: Iterable[str]) -> str:
    """Check an argument that must be one of the allowed words, and return it.

    Raises:
        ValueError: If it is not one of them; the message lists them.
    """
    words = list(allowed)
    if not isinstance(value, str) or value not in words:
        raise ValueError(f"{name} must be one of {words}, got {value!r}")
    return value


def as_options(name: str, value: Any) -> dict[str, Any]:
    """Check an argument that must be a dict of options or None, and return it as a new dict.

    Raises:
        TypeError: If it is something else.
    """
    if not isinstance(value, Mapping | None):
        raise TypeError(f'{name} must be a dict of options, such as {{"k": 8}}, got {value!r}')
    return dict(value or {})


def whole_pair(name: str, value: Any, low: int) -> tuple[int, int]:
    """Check an argument that must be two whole numbers, rows and columns, and return it.

    Args:
        name: The name of the argument, for the error message.
        value: The value to check.
        low: The lowest allowed number.

    Raises:
        ValueError: If it is not a pair of such numbers; the message says what is allowed.
    """
    if not isinstance(value, (Sequence, np.ndarray)) or len(value) != 2:
        raise ValueError(f"{name} must be two whole numbers (rows, columns), got {value!r}")
    rows, columns = (whole_number(f"{name}[{i}]", value[i], low) for i in range(2))
    return rows, columns


def truth_value(name: str, value: Any) -> bool:
    """Check an argument that must be True or False, and return it.

    Raises:
        ValueError: If it is neither.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return bool(value)
