"""Gymnasium spaces as JSON data, so that a policy can be saved without pickle."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
from gymnasium import spaces

from popgym.spaces.flatten import named


def space_to_data(space: spaces.Space) -> dict[str, Any]:
    """Return a description of a space as JSON data, from which ``space_from_data`` rebuilds it.

    Raises:
        ValueError: If the space is not made of Discrete, MultiDiscrete, MultiBinary, Box, Tuple
            and Dict, or if a Dict has a key that is not of type str, int or bool.
    """
    if isinstance(space, spaces.Discrete):
        kind = {"kind": "Discrete", "dtype": str(space.dtype)}
        return {**kind, "n": int(space.n), "start": int(space.start)}
    if isinstance(space, spaces.MultiDiscrete):
        kind = {"kind": "MultiDiscrete", "dtype": str(space.dtype)}
        numbers = {"nvec": space.nvec.tolist(), "start": space.start.tolist()}
        return {**kind, "shape": list(space.shape), **numbers}
    if isinstance(space, spaces.MultiBinary):
        n = space.n if isinstance(space.n, int) else list(space.shape)  # 4 is not (4,) to Gymnasium
        return {"kind": "MultiBinary", "n": n}
    if isinstance(space, spaces.Box):
        shape = {"kind": "Box", "shape": list(space.shape), "dtype": str(space.dtype)}
        low = _limits(space.low, space.bounded_below, "-inf")
        return {**shape, "low": low, "high": _limits(space.high, space.bounded_above, "inf")}
    if isinstance(space, spaces.Tuple):
        return {"kind": "Tuple", "spaces": [space_to_data(part) for part in space.spaces]}
    if isinstance(space, spaces.Dict):
        return {"kind": "Dict", "spaces": _parts(space)}
    raise ValueError(
        f"a policy over {named(space)} cannot be saved: use Discrete, MultiDiscrete, MultiBinary, "
        "Box, Tuple or Dict spaces"
    )


def space_from_data(data: dict[str, Any]) -> spaces.Space:
    """Return the space that ``space_to_data`` has described.

    Memory is allocated for all numbers of the space. ``popgym.spaces.as_json_size.check_size``
    counts them first, for data that anyone may have made.

    Raises:
        ValueError: If the data does not describe a space.
    """
    try:
        return _BUILD[data["kind"]](data)
    except (LookupError, TypeError, AttributeError, AssertionError, ArithmeticError) as error:
        raise ValueError(f"{data!r} does not describe a space ({error!r})") from error


def _limits(limits: np.ndarray, bounded: np.ndarray, infinity: str) -> Any:
    """Return a Box's limits as a flat list, or as one number if all are equal; infinity as text."""
    pairs = zip(limits.ravel(), bounded.ravel(), strict=True)
    flat = [_number(limit) if finite else infinity for limit, finite in pairs]
    return flat[0] if flat and len(set(flat)) == 1 else flat


def _number(x: Any) -> bool | int | float | str:
    """Return a number of a Box in a form that JSON stores without loss: a long double as text."""
    if x.dtype.kind != "f":
        return x.item()
    return float(x) if np.isfinite(x) and type(x)(float(x)) == x else str(x)


def _parts(space: spaces.Dict) -> dict[str, Any] | list[list[Any]]:
    """Return a Dict's parts; as pairs if a key is not a string, because JSON keys are strings."""
    for key in space.spaces:
        if type(key) not in (str, int, bool):
            raise ValueError(
                f"a policy over {named(space)} cannot be saved: the keys of a Dict must be of type "
                f"str, int or bool, got {key!r}"
            )
    parts = {key: space_to_data(part) for key, part in space.spaces.items()}
    if all(type(key) is str for key in parts):
        return parts
    return [[key, part] for key, part in parts.items()]


def _dtype(name: Any) -> np.dtype:
    """Return a dtype of numbers. Others, such as texts, may have elements of any size."""
    dtype = np.dtype(name) if isinstance(name, str) else None
    if dtype is None or dtype.kind not in "biuf":
        raise ValueError(f"the dtype of a space must be one of numbers, got {name!r}")
    return dtype


def _discrete(data: dict[str, Any]) -> spaces.Discrete:
    dtype = _dtype(data.get("dtype", "int64"))  # files of earlier versions may have none
    other: Any = (
        {} if dtype == np.int64 else {"dtype": dtype.type}
    )  # gymnasium 1.1 supports only int64
    return spaces.Discrete(data["n"], start=data["start"], **other)


def _multi_discrete(data: dict[str, Any]) -> spaces.MultiDiscrete:
    dtype = _dtype(data["dtype"]).type
    nvec, start = (np.array(data[name], dtype) for name in ("nvec", "start"))
    shape = data.get("shape", nvec.shape)
    return spaces.MultiDiscrete(nvec.reshape(shape), dtype=dtype, start=start.reshape(shape))


def _box(data: dict[str, Any]) -> spaces.Box:
    dtype, shape = _dtype(data["dtype"]), tuple(data["shape"])
    low, bounded_below = _read_limits(data["low"], dtype, shape, least=True)
    high, bounded_above = _read_limits(data["high"], dtype, shape, least=False)
    box = spaces.Box(low, high, shape, dtype.type)
    box.bounded_below, box.bounded_above = bounded_below, bounded_above
    return box


def _read_limits(
    data: Any, dtype: np.dtype, shape: tuple[int, ...], least: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits that ``_limits`` has written, and which of them are bounds."""
    infinity = "-inf" if least else "inf"
    given = data if isinstance(data, list) else [data]
    if dtype.kind == "i":  # without a bound, Gymnasium stores the extreme number of the type
        last = np.iinfo(dtype).min if least else np.iinfo(dtype).max
        numbers = [last if x == infinity else x for x in given]
    else:
        numbers = given
    limits = np.array([dtype.type(x) for x in numbers], dtype)
    bounded = np.array([x != infinity for x in given], bool)
    if isinstance(data, list):
        return limits.reshape(shape), bounded.reshape(shape)
    return np.full(shape, limits[0], dtype), np.full(shape, bounded[0])


def _dict(data: dict[str, Any]) -> spaces.Dict:
    parts = data["spaces"]
    pairs = parts.items() if isinstance(parts, dict) else parts
    # Gymnasium sorts the keys of a plain dict, but a network's input depends on their order.
    return spaces.Dict(OrderedDict((key, space_from_data(part)) for key, part in pairs))


_BUILD = {
    "Discrete": _discrete,
    "MultiDiscrete": _multi_discrete,
    "MultiBinary": lambda d: spaces.MultiBinary(
        d["n"] if isinstance(d["n"], int) else tuple(d["n"])
    ),
    "Box": _box,
    "Tuple": lambda d: spaces.Tuple([space_from_data(part) for part in d["spaces"]]),
    "Dict": _dict,
}
