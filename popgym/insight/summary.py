"""The result of an inspection in a few lines for the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from popgym.insight.inspection import Inspection
from popgym.pages.words import count, percent

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDEST = 60
_NEGLIGIBLE = 0.01


def summary(found: Inspection) -> str:
    """Return what was found in about ten lines, with a sparkline of the effect over the lag."""
    low, high = found.lengths.min(), found.lengths.max()
    steps = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    lines = [f"{found.name}: {found.memory} in {found.env}, {_episodes(found)} of {steps} steps"]
    lines += [*_effect(found), *_worth(found), *_probes(found), *_reach(found)]
    return "\n".join([*lines, *(f"note: {note}" for note in found.all_notes)])


def _episodes(found: Inspection) -> str:
    return count(len(found.lengths), "episode")


def _effect(found: Inspection) -> Iterator[str]:
    if found.effect is None:
        return
    horizon = found.effect.horizon
    if math.isnan(horizon.steps):
        yield "memory horizon: none, nothing that was seen has an effect"
        return
    steps = count(int(horizon.steps), "step")
    yield f"memory horizon: {steps}{_between(horizon.low, horizon.high, '.0f')}"
    line, last = sparkline(found.effect.curves["variation"].value)
    yield f"effect by lag:  {line} 0 to {last}"


def sparkline(values: np.ndarray) -> tuple[str, int]:
    """Return numbers as a line of blocks, up to the last that matters, and its index.

    Args:
        values: Numbers of at least 0 [L]; NaN counts as 0. More than ``_WIDEST`` are averaged.
    """
    values = np.nan_to_num(values)
    if not len(values):
        return "", 0
    matters = np.flatnonzero(values > _NEGLIGIBLE * values.max(initial=0))
    last = min(len(values) - 1, int(matters.max(initial=0)) + 1)
    pieces = np.array_split(values[: last + 1], min(_WIDEST, last + 1))
    shown = np.array([piece.max() for piece in pieces])
    levels = np.round(shown / (shown.max() or 1) * (len(_BLOCKS) - 1)).astype(int)
    return "".join(_BLOCKS[level] for level in levels), last


def _worth(found: Inspection) -> Iterator[str]:
    if found.worth is None:
        return
    whole, cleared = (each.evaluation.mean for each in found.worth.variants[:2])
    yield f"return: {whole:.3f}, and {cleared:.3f} with the memory cleared before every step"
    between = _between(found.worth.low, found.worth.high, ".3f")
    yield (
        f"memory earns {found.worth.worth_of_memory:.3f}{between}, "
        f"{percent(found.worth.fraction)} of {found.worth.fraction_of}"
    )


def _probes(found: Inspection) -> Iterator[str]:
    if found.probes is not None and (best := found.probes.farthest_lag) is not None:
        yield f"the state holds what was seen up to {best} steps ago (linear probe)"


def _reach(found: Inspection) -> Iterator[str]:
    if found.reach is not None:
        field = found.reach.receptive_field
        yield f"receptive field: {'no limit' if field is None else count(field, 'step')}"


def _between(low: float, high: float, form: str) -> str:
    return "" if math.isnan(low) else f" [{low:{form}}, {high:{form}}]"
