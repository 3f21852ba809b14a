"""The counterfactual effect of the past on a policy, over recorded episodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from popgym.insight.alternatives import Alternatives, alternatives
from popgym.insight.counterfactual import KINDS, Effects, effects, steps_to_replace
from popgym.insight.horizon import SHARE, Curve, Horizon, curve, horizon, sums
from popgym.insight.numbers import for_json
from popgym.insight.recording import Recording
from popgym.runs.policy import Policy

BUDGET = 2_000_000
"""Steps of the network to compute, twice: once with each replaced observation, once without."""
MOST_CELLS = 128
"""The most rows and columns of the heat map."""
_MUCH_BORROWED = 0.5


@dataclass(frozen=True)
class Effect:
    """How the past changes what a policy does, see ``popgym.insight.counterfactual``."""

    horizon: Horizon
    """The lag within which 90 % of the effect on the action distribution lies."""
    value_horizon: Horizon
    """The same for the effect on the value."""
    curves: dict[str, Curve]
    """For each name of ``counterfactual.KINDS``, the mean effect over the lag."""
    heat_map: np.ndarray
    """Total variation in the first episode by step t and replaced step s, NaN where s > t."""
    cell: int
    """The steps in a row or column of the heat map."""
    notes: list[str]

    def as_data(self) -> dict[str, Any]:
        """Return the numbers as data for JSON."""
        variation = self.curves["variation"]
        data = {
            "horizon": _horizon_data(self.horizon),
            "effect": variation.value,
            "effect_interval": np.stack([variation.low, variation.high], 1),
            "value_horizon": _horizon_data(self.value_horizon),
            "heat_map": {"steps_per_cell": self.cell, "variation": self.heat_map},
        }
        for kind in KINDS[1:]:
            each = self.curves[kind]
            data[f"{kind}_effect"] = each.value
            data[f"{kind}_effect_interval"] = np.stack([each.low, each.high], 1)
        return for_json(data)


def _horizon_data(found: Horizon) -> dict[str, Any]:
    return {"steps": found.steps, "interval": [found.low, found.high], "share": SHARE}


def measure(
    policy: Policy,
    environments: VectorEnv,
    recording: Recording,
    *,
    seed: int,
    max_lag: int | None = None,
    budget: int = BUDGET,
    progress: Callable[[str], None] | None = None,
) -> Effect:
    """Measure the effect of each observation on all later steps.

    Args:
        policy: The policy that was recorded.
        environments: The environments in which it was recorded.
        recording: The recorded play.
        seed: The seed of the recording.
        max_lag: The largest lag; None means up to the longest episode.
        budget: As ``BUDGET``. If all observations would cost more, some are chosen at random.
        progress: Called with a line about each episode.
    """
    others = alternatives(policy, environments, recording, seed=seed)
    chosen = steps_to_replace(others.usable, max_lag, budget, seed)
    limit = int(recording.lengths.max()) if max_lag is None else max_lag
    found = []
    for i, episode in enumerate(recording.episodes):
        if progress:
            progress(f"effect of the past, episode {i + 1} of {len(chosen)}")
        if len(chosen[i]):
            part = effects(policy, episode, others.inputs[i], chosen[i], max_lag=limit, seed=seed)
            found.append(part)
    if not found:
        return _nothing(others)
    curves = {kind: curve(sums(found, kind), seed=seed) for kind in KINDS}
    heat_map, cell = _heat_map(found[0])
    return Effect(
        horizon(sums(found, "variation"), seed=seed),
        horizon(sums(found, "value"), seed=seed),
        curves,
        heat_map,
        cell,
        _notes(others, chosen, recording),
    )


def _nothing(others: Alternatives) -> Effect:
    unknown = Horizon(math.nan, math.nan, math.nan)
    empty = np.zeros(0)
    curves = {kind: Curve(empty, empty, empty) for kind in KINDS}
    note = "all observations are equal, so none has another plausible value: no effect is known"
    return Effect(unknown, unknown, curves, np.zeros((0, 0)), 1, [note])


def _notes(others: Alternatives, chosen: Sequence[np.ndarray], recording: Recording) -> list[str]:
    usable = sum(int(each.sum()) for each in others.usable)
    missing, total = int(recording.lengths.sum()) - usable, others.drawn + others.borrowed
    replaced = sum(map(len, chosen))
    notes = []
    if missing:
        notes.append(
            f"{missing:,} of {missing + usable:,} observations have no other plausible value and "
            "were not replaced"
        )
    if others.drawn and others.borrowed > _MUCH_BORROWED * total:
        notes.append(
            "episodes with another hidden draw end early, so most replacements are of random steps "
            "of other episodes"
        )
    if not others.drawn:
        notes.append("replacements are observations of random steps of other episodes")
    if replaced < usable:
        notes.append(
            f"{replaced:,} of {usable:,} observations, chosen at random, were replaced, to save "
            "time"
        )
    if len(chosen) == 1:
        notes.append("one episode gives no interval")
    if recording.lengths.max() == 1:
        notes.append("episodes have one step, so there is no past")
    return notes


def _heat_map(found: Effects) -> tuple[np.ndarray, int]:
    """Return the effects by step and replaced step, averaged over cells, and a cell's steps."""
    cell = -(-found.steps // MOST_CELLS)
    cells = -(-found.steps // cell)
    total, count = np.zeros((cells, cells)), np.zeros((cells, cells))
    lags = np.arange(found.variation.shape[1])
    for s, row in zip(found.replaced, found.variation, strict=True):
        known = np.isfinite(row)
        t = (s + lags[known]) // cell
        np.add.at(total, (t, s // cell), row[known])
        np.add.at(count, (t, s // cell), 1)
    with np.errstate(invalid="ignore"):
        return total / count, cell
