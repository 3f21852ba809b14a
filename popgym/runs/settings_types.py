"""The types of the values of settings."""

from __future__ import annotations

import json
from types import NoneType, UnionType
from typing import Any, get_args, get_origin


def typed(name: str, value: Any, kind: type, optional: bool) -> Any:
    """Return ``value`` as the type of the setting ``name``.

    A float that is a whole number is accepted as an int, and an int as a float.

    Args:
        name: The setting, for the message.
        value: The value.
        kind: The class of the setting's values.
        optional: Whether the value may be None.

    Raises:
        TypeError: If the value has another type.
    """
    if value is None and optional:
        return None
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is list:
        return _names(name, value)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        allowed = kind.__name__ + (" or null" if optional else "")
        raise TypeError(f"{name} must be {allowed}, got {value!r}")
    return value


def as_saved(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return options as they are read back from JSON, with tuples as lists.

    Raises:
        TypeError: If they cannot be written as JSON.
    """
    try:
        return json.loads(json.dumps(options))
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name} must contain only what JSON can represent, such as numbers, strings and "
            f"lists, because the run folder records it ({error}), got {options!r}"
        ) from error


def _names(what: str, value: Any) -> list[str]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
        raise TypeError(
            f'{what} must be a list of names, such as ["PreviousAction"], got {value!r}'
        )
    return list(value)


def kind_of(hint: Any) -> tuple[type, bool]:
    """Return the class of a field's values, and whether the field may be None."""
    allowed = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    kind = next(each for each in allowed if each is not NoneType)
    return get_origin(kind) or kind, NoneType in allowed
