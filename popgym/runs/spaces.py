"""Gymnasium spaces as plain data, so that a saved policy needs no pickle."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces


def space_to_data(space: spaces.Space) -> dict[str, Any]:
    """A JSON-ready description of a space.

    Raises:
        ValueError: for a space other than Discrete, MultiDiscrete, MultiBinary, Box, Tuple, Dict.
    """
    if isinstance(space, spaces.Discrete):
        return {"kind": "Discrete", "n": int(space.n), "start": int(space.start)}
    if isinstance(space, spaces.MultiDiscrete):
        start = space.start.tolist()
        kind = {"kind": "MultiDiscrete", "dtype": str(space.dtype)}
        return {**kind, "nvec": space.nvec.tolist(), "start": start}
    if isinstance(space, spaces.MultiBinary):
        n = space.n if isinstance(space.n, int) else list(space.shape)  # 4 is not (4,) to Gymnasium
        return {"kind": "MultiBinary", "n": n}
    if isinstance(space, spaces.Box):
        shape = {"kind": "Box", "shape": list(space.shape), "dtype": str(space.dtype)}
        return {**shape, "low": _bounds(space.low), "high": _bounds(space.high)}
    if isinstance(space, spaces.Tuple):
        return {"kind": "Tuple", "spaces": [space_to_data(part) for part in space.spaces]}
    if isinstance(space, spaces.Dict):
        parts = {key: space_to_data(part) for key, part in space.spaces.items()}
        return {"kind": "Dict", "spaces": parts}
    raise ValueError(
        f"a policy over {space} cannot be saved: use Discrete, MultiDiscrete, MultiBinary, Box, "
        "Tuple or Dict spaces"
    )


def space_from_data(data: dict[str, Any]) -> spaces.Space:
    """The space that `space_to_data` described.

    Raises:
        ValueError: for data that describes no space.
    """
    try:
        return _BUILD[data["kind"]](data)
    except (KeyError, TypeError, AttributeError, AssertionError) as error:
        raise ValueError(f"{data!r} describes no space ({error!r})") from error


def _bounds(array: np.ndarray) -> Any:
    """Bounds as one number where they are all alike, else flat; infinities by name."""
    flat = [float(x) if np.isfinite(x) else str(float(x)) for x in array.ravel()]
    return flat[0] if flat and len(set(flat)) == 1 else flat


def _box(data: dict[str, Any]) -> spaces.Box:
    dtype, shape = np.dtype(data["dtype"]), tuple(data["shape"])
    low, high = (
        np.broadcast_to(np.asarray(data[side], np.float64), int(np.prod(shape)))
        .reshape(shape)
        .astype(dtype)
        for side in ("low", "high")
    )
    return spaces.Box(low, high, shape, dtype.type)


_BUILD = {
    "Discrete": lambda d: spaces.Discrete(d["n"], start=d["start"]),
    "MultiDiscrete": lambda d: spaces.MultiDiscrete(
        np.array(d["nvec"]), dtype=np.dtype(d["dtype"]).type, start=np.array(d["start"])
    ),
    "MultiBinary": lambda d: spaces.MultiBinary(d["n"]),
    "Box": _box,
    "Tuple": lambda d: spaces.Tuple([space_from_data(part) for part in d["spaces"]]),
    "Dict": lambda d: spaces.Dict({k: space_from_data(v) for k, v in d["spaces"].items()}),
}
