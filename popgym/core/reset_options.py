"""What `reset(options=...)` takes: `hidden` and, in a vector environment, `reset_mask`."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from popgym.core.arguments import unknown
from popgym.core.family import Family
from popgym.core.hidden import read_hidden


def read_options(options: Any, allowed: tuple[str, ...]) -> Mapping[str, Any]:
    """The options, once their keys are known to be allowed.

    Raises:
        ValueError: `options` is no dict, or a key is unknown.
    """
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise ValueError(f"options must be a dict with keys among {allowed}, got {options!r}")
    for key in options:
        if key not in allowed:
            raise ValueError(unknown("key in options:", str(key), allowed))
    return options


def read_mask(mask: Any, count: int) -> np.ndarray:
    """A reset mask: which of `count` environments to reset, [count] bool.

    Raises:
        ValueError: It is not a bool array of that shape, or all False.
    """
    array = np.asarray(mask)
    if array.dtype != np.bool_ or array.shape != (count,) or not array.any():
        raise ValueError(
            f"options['reset_mask'] must be a bool array of shape ({count},) that is True "
            f"for the environments to be reset, at least one; got {mask!r}"
        )
    return array


def read_draw(
    family: Family, options: Mapping[str, Any], count: int | None
) -> dict[str, np.ndarray] | None:
    """The hidden draw among the options, checked; None if there is none.

    Raises:
        ValueError: See `popgym.core.hidden.read_hidden` and `Family.check_hidden`.
    """
    if "hidden" not in options:
        return None
    hidden = read_hidden(family.hidden, options["hidden"], count)
    family.check_hidden(hidden)
    return hidden


def read_seed(seed: Any) -> int:
    """A seed: any whole number from 0 on, taken modulo 2⁶⁴.

    Raises:
        ValueError: It is negative or no whole number.
    """
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be a whole number from 0 on, or None; got {seed!r}")
    return int(seed) % 2**64
