"""The data of the page's interactive figures, which ``plots.js`` draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from popgym.benchmark.reading import Results
from popgym.benchmark.report.curves import Curve, curves_of
from popgym.benchmark.report.grid import Grid
from popgym.benchmark.report.standings import Standing
from popgym.benchmark.statistics import performance_profile

THRESHOLDS = np.linspace(-0.1, 1.0, 56)
COSTS = ("parameters", "state_size", "seconds")


def plot_data(results: Results, grid: Grid, standings: Sequence[Standing]) -> dict[str, Any]:
    """Return what ``plots.js`` draws, in types of JSON.

    Memories are named by their places in ``memories``.
    """
    place = {memory: i for i, memory in enumerate(grid.memories)}
    curves = curves_of(results)
    return {
        "memories": grid.memories,
        "tasks": [_task(task, grid, curves, place) for task in grid.tasks],
        "thresholds": _rounded(THRESHOLDS),
        "profiles": [_profile(grid, each.memory, place) for each in standings],
        "costs": [_costs(each, place) for each in standings],
    }


def _task(task: str, grid: Grid, curves: Sequence[Curve], place: dict[str, int]) -> dict[str, Any]:
    floor, ceiling = grid.bounds.get(task, (None, None))
    mine = [_curve(each, place) for each in curves if each.task == task]
    return {"name": task, "floor": floor, "ceiling": ceiling, "curves": mine}


def _curve(curve: Curve, place: dict[str, int]) -> dict[str, Any]:
    return {
        "memory": place[curve.memory],
        "seeds": curve.seeds,
        "steps": [float(curve.steps[0]), float(curve.steps[-1])],  # evenly spaced in between
        "seconds": _rounded(curve.seconds),
        "value": _rounded(curve.value),
        "reach": None if curve.reach is None else _rounded(curve.reach),
    }


def _profile(grid: Grid, memory: str, place: dict[str, int]) -> dict[str, Any]:
    value, low, high = performance_profile(grid.normalised(memory), THRESHOLDS)
    known = not np.isnan(low).any()
    bounds = {"low": _rounded(low), "high": _rounded(high)} if known else {}
    return {"memory": place[memory], "value": _rounded(value), **bounds}


def _costs(standing: Standing, place: dict[str, int]) -> dict[str, Any]:
    costs = {name: getattr(standing, name) for name in COSTS}
    return {"memory": place[standing.memory], "score": list(standing.iqm), **costs}


def _rounded(values: np.ndarray) -> list[float]:
    """Return numbers to a thousandth of the largest, which keeps the page small."""
    known = np.abs(values[np.isfinite(values)])
    largest = float(known.max(initial=0.0))
    decimals = 3 - math.floor(math.log10(largest)) if largest > 0 else 3
    return np.round(values, decimals).tolist()
