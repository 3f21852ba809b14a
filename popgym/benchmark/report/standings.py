"""Ranks memories over all tasks whose scores can be normalised."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from popgym.benchmark.reading import Results
from popgym.benchmark.report.grid import Grid
from popgym.benchmark.statistics import (
    Estimate,
    aggregate,
    interquartile_mean,
    mean_of,
    optimality_gap,
    probability_of_improvement,
)
from popgym.pages.words import interval, percent


class Standing(NamedTuple):
    """What one memory scores over the tasks."""

    memory: str
    iqm: Estimate
    gap: Estimate
    mean: Estimate
    tasks: int
    """Number of tasks with a normalised score."""
    seeds: tuple[int, int]
    """Fewest and most finished trials of a task."""
    complete: bool
    """Whether it has a score in every task in which another memory has one."""
    beaten: Estimate | None
    """Probability that a run of the first memory beats one of this; None for the first itself."""
    parameters: float
    """Median over the trials, as the next two; NaN if unknown."""
    state_size: float
    seconds: float


def standings(results: Results, grid: Grid) -> list[Standing]:
    """Return the memories that have a normalised score, the best first.

    A memory without a score in some task comes after those that have all, because its aggregate
    is over other tasks.
    """
    scores = {memory: grid.normalised(memory) for memory in grid.memories}
    tasks = {task for found in scores.values() for task in found}
    found = [
        _standing(results, grid, memory, mine, set(mine) == tasks)
        for memory, mine in scores.items()
        if mine
    ]
    found.sort(key=lambda each: (not each.complete, -each.iqm.value))
    return [_beside(each, found[0].memory, scores) for each in found]


def _standing(
    results: Results, grid: Grid, memory: str, scores: dict[str, np.ndarray], complete: bool
) -> Standing:
    trials = results.trials
    mine = trials[(trials["memory"] == memory) & (trials["status"] == "done")]
    iqm, gap, mean = (
        aggregate(scores, statistic) for statistic in (interquartile_mean, optimality_gap, mean_of)
    )
    counts = [len(values) for values in scores.values()]
    costs = [float(mine[c].astype(float).median()) for c in ("parameters", "state_size", "seconds")]
    seeds = min(counts), max(counts)
    return Standing(memory, iqm, gap, mean, len(scores), seeds, complete, None, *costs)


def _beside(standing: Standing, leader: str, scores: dict[str, dict[str, np.ndarray]]) -> Standing:
    mine = scores[standing.memory]
    if standing.memory == leader or not set(mine) & set(scores[leader]):
        return standing
    return standing._replace(beaten=probability_of_improvement(scores[leader], mine))


def verdict(found: Sequence[Standing]) -> str:
    """Return in a sentence who leads, and whether that may be chance."""
    if not found:
        return "No memory can be ranked: no finished trial has a score that can be normalised."
    first = found[0]
    if not first.complete:
        return "No memory has a score in every task, so none leads over all."
    if len(found) == 1:
        return f"{first.memory} is the only memory with a score."
    rivals = [each.memory for each in found[1:] if may_be_as_good(each)]
    lead = f"{first.memory} has the highest interquartile mean, {interval(first.iqm)}"
    if math.isnan(first.iqm.low):
        return f"{lead}, but with one seed it is unknown whether the lead is more than chance."
    if not rivals:
        return f"{lead}, and each of the others is beaten more often than chance explains."
    names = ", ".join(rivals[:3]) + (f" and {len(rivals) - 3} more" if len(rivals) > 3 else "")
    return f"{lead}. Its lead over {names} may be chance."


def may_be_as_good(standing: Standing) -> bool:
    """Return whether the lead of the first memory over this one may be chance."""
    chance = standing.beaten
    return chance is None or not chance.low > 0.5  # NaN: one seed


def chance_in_words(standing: Standing) -> str:
    """Return how often the first memory beats this one, and what that says."""
    if standing.beaten is None:
        return "–"
    value, low, high = standing.beaten
    if math.isnan(low):
        return f"{percent(value)}, one seed: unknown"
    text = f"{percent(value)} [{percent(low)}, {percent(high)}]"
    return f"{text}, may be chance" if may_be_as_good(standing) else text
