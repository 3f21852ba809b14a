"""Checks of the seed and of the options ``hidden`` and ``reset_mask`` of ``reset``."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from popgym.core.arguments import unknown
from popgym.core.family import Family
from popgym.core.hidden import read_hidden


def read_options(options: Any, allowed: tuple[str, ...]) -> Mapping[str, Any]:
    """Check the keys of the options of ``reset``, and return the options.

    Raises:
        ValueError: If ``options`` is not a dict, or if a key is unknown.
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
    """Return a checked reset mask, which says for each environment whether to reset it.

    Args:
        mask: The user's mask.
        count: The number of environments.

    Returns:
        The mask, [count] bool.

    Raises:
        ValueError: If it is not a bool array of this shape, or if it is all False.
    """
    array = np.asarray(mask)
    if array.dtype != np.bool_ or array.shape != (count,) or not array.any():
        raise ValueError(
            f"options['reset_mask'] must be a bool array of shape ({count},) that is True "
            f"for at least one environment, those to be reset; got {mask!r}"
        )
    return array


def read_hidden_state(
    family: Family, options: Mapping[str, Any], count: int | None
) -> dict[str, np.ndarray] | None:
    """Return the checked hidden initial state in the options; None if there is none.

    Args:
        family: The task.
        options: The options of ``reset``.
        count: The number of environments being reset. None: a single environment.

    Raises:
        ValueError: If ``popgym.core.hidden.read_hidden`` or ``Family.check_hidden`` raises it.
    """
    if "hidden" not in options:
        return None
    hidden = read_hidden(family.hidden, options["hidden"], count)
    family.check_hidden(hidden)
    return hidden


def read_seed(seed: Any) -> int:
    """Return a seed modulo 2⁶⁴.

    Raises:
        ValueError: If the seed is not a whole number of at least 0.
    """
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be a whole number from 0 on, or None; got {seed!r}")
    return int(seed) % 2**64
