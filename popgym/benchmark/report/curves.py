"""Learning curves averaged over the seeds of a memory in a task, with fewer points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from popgym.benchmark.reading import Results
from popgym.benchmark.statistics import student_quantile

if TYPE_CHECKING:
    import pandas as pd

MOST_POINTS, FEWEST_POINTS = 200, 40
NUMBERS = 450_000  # of all curves of a page, which are about 3 MB


class Curve(NamedTuple):
    """The mean curve of the seeds."""

    task: str
    memory: str
    steps: np.ndarray
    """Environment steps [N], evenly spaced."""
    seconds: np.ndarray
    """Training time at these steps, mean over seeds [N]; NaN where it is unknown."""
    value: np.ndarray
    """Mean return, mean over seeds [N]."""
    reach: np.ndarray | None
    """Half the width of the interval of the mean over seeds [N]; None with one seed."""
    seeds: int


def curves_of(results: Results, most: int = MOST_POINTS) -> list[Curve]:
    """Return a curve for each memory and task that has any.

    Only finished trials count, or those that are under way where none is finished. A curve covers
    the steps that all its seeds have made.

    Args:
        results: Trials and their curves.
        most: The largest number of points of a curve.
    """
    trials, by_trial = results.trials, _by_trial(results.curves)
    groups = trials.groupby(["task", "memory"], sort=False)
    most = _points_each(len(groups), most)
    found = []
    for (task, memory), rows in groups:
        done = rows[rows["status"] == "done"]
        names = (done if len(done) else rows[rows["status"] != "failed"])["trial"]
        runs = [by_trial[name] for name in map(str, names) if len(by_trial.get(name, ())) > 1]
        if runs:
            found.append(_mean_curve(str(task), str(memory), runs, most))
    return found


def _by_trial(curves: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the points of each trial, [M, 3] of steps, seconds and return."""
    values = curves[["steps", "seconds", "mean_return"]].to_numpy(float)
    known = np.isfinite(values[:, 2])
    names, place = np.unique(curves["trial"].to_numpy(str)[known], return_inverse=True)
    order = np.argsort(place, kind="stable")  # one sort is much faster than a query per trial
    ends = np.cumsum(np.bincount(place, minlength=len(names)))
    parts = np.split(values[known][order], ends[:-1]) if len(names) else []
    return dict(zip(map(str, names), parts, strict=True))


def _points_each(curves: int, most: int) -> int:
    """Return how many points a curve may have, so that a page with many stays small."""
    return min(most, max(FEWEST_POINTS, NUMBERS // (3 * max(curves, 1))))


def _mean_curve(task: str, memory: str, runs: list[np.ndarray], most: int) -> Curve:
    """Average runs, each [M, 3] of steps, seconds and return."""
    start, end = max(run[0, 0] for run in runs), min(run[-1, 0] for run in runs)
    if end <= start:  # one seed has hardly begun
        runs = [max(runs, key=lambda run: run[-1, 0])]
        start, end = runs[0][0, 0], runs[0][-1, 0]
    size = min(most, int(np.median([len(run) for run in runs])))
    steps = np.linspace(start, end, max(size, 2))
    values = np.stack([_thinned(run[:, 0], run[:, 2], steps) for run in runs])
    seconds = np.stack([np.interp(steps, run[:, 0], run[:, 1]) for run in runs])
    reach = None if len(runs) == 1 else _reach(values)
    return Curve(task, memory, steps, seconds.mean(0), values.mean(0), reach, len(runs))


def _thinned(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return y at given places: the mean of the points that are nearest to each.

    Picking single points instead would show one of several noisy values as if it were all.
    """
    half = (at[1] - at[0]) / 2
    edges = np.append(at - half, at[-1] + half)
    counts, _ = np.histogram(x, edges)
    sums, _ = np.histogram(x, edges, weights=y)
    near = counts > 0
    return np.interp(at, at[near], sums[near] / counts[near])


def _reach(values: np.ndarray) -> np.ndarray:
    """Return half the width of Student's interval at all points [S, N]; as ``statistics.mean``."""
    seeds = len(values)
    return student_quantile(seeds - 1) * values.std(0, ddof=1) / math.sqrt(seeds)
