"""Comparisons that the laws share, and their error."""

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium.spaces import Dict, Space, Tuple


class Unlawful(Exception):  # noqa: N818 (becomes LawBroken once the law's name is known)
    """Error raised inside a law when the law is broken."""


def expect(condition: bool, message: str) -> None:
    """Raise ``Unlawful`` unless the condition holds."""
    if not condition:
        raise Unlawful(message)


def expect_refusal(action: Callable[[], Any], what: str, allowed: str = "") -> None:
    """Raise ``Unlawful`` unless the action raises a ValueError."""
    try:
        action()
    except ValueError:
        return
    except Exception as error:
        kind = f"{type(error).__name__}: {error}"
        raise Unlawful(f"{what} must raise a ValueError{allowed}, raised {kind}") from error
    raise Unlawful(f"{what} must raise a ValueError{allowed}, and was accepted")


def same(a: Any, b: Any) -> bool:
    """Return whether nested values are equal in every number; NaN equals NaN."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.names:
        return a.dtype == b.dtype and all(same(a[name], b[name]) for name in a.dtype.names)
    return a.shape == b.shape and bool(np.all((a == b) | ((a != a) & (b != b))))


def fault(space: Space, value: Any) -> str | None:
    """Return why a value is not an element of a space; None if it is one."""
    if isinstance(space, Tuple) and isinstance(value, tuple) and len(value) == len(space.spaces):
        faults = (fault(part, v) for part, v in zip(space.spaces, value, strict=True))
        return next((f"in its part {i}, {f}" for i, f in enumerate(faults) if f), None)
    if isinstance(space, Dict) and isinstance(value, dict) and value.keys() == space.spaces.keys():
        parts = ((key, fault(space[key], value[key])) for key in value)
        return next((f"in its part {key!r}, {f}" for key, f in parts if f), None)
    if isinstance(value, np.ndarray) and space.dtype is not None and value.dtype != space.dtype:
        return f"the type is {value.dtype}, not {space.dtype}"
    if isinstance(value, np.ndarray) and space.shape is not None and value.shape != space.shape:
        return f"the shape is {value.shape}, not {space.shape}"
    return None if space.contains(value) else f"{in_short(value)} is not in {space}"


def in_short(value: Any) -> str:
    """Return a value as one line of text, shortened if necessary."""
    line = " ".join(repr(value).split())
    return line if len(line) < 120 else f"{line[:117]}…"
