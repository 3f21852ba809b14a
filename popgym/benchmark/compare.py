"""Compares two contestants task by task: is the difference more than chance?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from popgym.benchmark.reading import read, scores_of_curve
from popgym.benchmark.statistics import (
    Estimate,
    confidence_note,
    difference,
    normalise,
    probability_of_improvement,
)
from popgym.benchmark.store import INDEX, BenchmarkFolder
from popgym.core.arguments import unknown
from popgym.envs.scores import bounds_of
from popgym.runs.folder import RunFolder

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: scores of each task's seeds."""

    name: str
    scores: dict[str, np.ndarray]
    budgets: dict[str, set[int]]


@dataclass(frozen=True)
class TaskDifference:
    """What two sides score in a task."""

    task: str
    a: float
    b: float
    seeds: tuple[int, int]
    difference: Estimate  # a − b

    @property
    def verdict(self) -> str:
        """Which side is better, if the interval says so."""
        low, high = self.difference.low, self.difference.high
        if math.isnan(low):
            return "one seed: unknown"
        return "first better" if low > 0 else "second better" if high < 0 else "may be chance"


@dataclass(frozen=True)
class Comparison:
    """The result of ``compare``."""

    a: str
    b: str
    tasks: list[TaskDifference]
    overall: Estimate | None  # probability that the first is better, over tasks with references
    note: str

    @property
    def sentence(self) -> str:
        """What the comparison says, in a sentence."""
        if self.overall is None:
            return f"No task has reference scores, so there is no overall result. {self.note}"
        p = self.overall
        text = f"{self.a} beats {self.b} with probability {p.value:.2f}"
        if math.isnan(p.low):
            return f"{text}, without an interval, because one seed says nothing about chance."
        chance = ", which may be chance" if p.low <= 0.5 <= p.high else ""
        return f"{text} [{p.low:.2f}, {p.high:.2f}]{chance}. {self.note}"


def side_of(text: str, score: str) -> Side:
    """Return one side of a comparison.

    Args:
        text: A run folder, the folder of a benchmark with one memory, or ``FOLDER:MEMORY``.
        score: A name of ``popgym.benchmark.scores.SCORES``.

    Raises:
        ValueError: If there is no such folder or memory, or it has no finished trial.
    """
    folder, colon, label = text.rpartition(":")
    if Path(text).exists() or not colon:
        folder, label = text, ""
    if (Path(folder) / INDEX).exists():
        return _of_benchmark(folder, label, score)
    if label:
        BenchmarkFolder.open(folder)  # says what is wrong
    return _of_run(folder, score)


def _of_benchmark(folder: str, label: str, score: str) -> Side:
    table = read(folder)
    labels = list(dict.fromkeys(table["memory"]))
    if not label and len(labels) > 1:
        raise ValueError(
            f"{folder} has several memories: name one, such as {folder}:{labels[0]} "
            f"({', '.join(labels)})"
        )
    label = label or labels[0]
    if label not in labels:
        raise ValueError(unknown(f"memory of {folder}", label, labels))
    return side_of_table(f"{folder}:{label}", table[table["memory"] == label], score)


def side_of_table(name: str, table: pd.DataFrame, score: str) -> Side:
    """Return a side made of rows of ``popgym.benchmark.read``; unfinished trials are left out.

    Raises:
        ValueError: If no trial is finished.
    """
    done = table[(table["status"] == "done") & table[score].notna()]
    if done.empty:
        raise ValueError(f"{name} has no finished trial with a {score}: run the benchmark first")
    groups = {str(task): rows for task, rows in done.groupby("task")}
    return Side(
        name,
        {task: rows[score].to_numpy(float) for task, rows in groups.items()},
        {task: set(map(int, rows["budget"])) for task, rows in groups.items()},
    )


def _of_run(folder: str, score: str) -> Side:
    run = RunFolder.open(folder)
    points = [(r["steps"], r["return_mean"]) for r in run.rows() if r["return_mean"] is not None]
    found = scores_of_curve(points, run.settings.steps)
    name = "last_tenth" if score.endswith("_mean") else score  # a run alone has no evaluation
    if name not in found or math.isnan(found[name]):
        raise ValueError(f"{folder} has not come to its last tenth yet")
    task, steps = run.settings.env, run.settings.steps
    return Side(folder, {task: np.array([found[name]])}, {task: {steps}})


def compare(a: Side, b: Side) -> Comparison:
    """Compare two sides on the tasks that both have.

    Raises:
        ValueError: If they have no task in common, or made different numbers of steps in one.
    """
    common = [task for task in a.scores if task in b.scores]
    if not common:
        raise ValueError(
            f"{a.name} and {b.name} have no task in common: {', '.join(a.scores)} and "
            f"{', '.join(b.scores)}"
        )
    for task in common:
        if len(a.budgets[task] | b.budgets[task]) > 1:
            raise ValueError(
                f"the trials of {task} have different numbers of steps: "
                f"{sorted(a.budgets[task])} and {sorted(b.budgets[task])}"
            )
    tasks = [_difference(task, a.scores[task], b.scores[task]) for task in common]
    fewest = min(min(each.seeds) for each in tasks)
    return Comparison(a.name, b.name, tasks, _overall(a, b, common), confidence_note(fewest))


def _difference(task: str, a: np.ndarray, b: np.ndarray) -> TaskDifference:
    means = float(a.mean()), float(b.mean())
    return TaskDifference(task, *means, (len(a), len(b)), difference(a, b))


def _overall(a: Side, b: Side, tasks: list[str]) -> Estimate | None:
    known = {task: bounds for task in tasks if (bounds := bounds_of(task)) is not None}
    if not known:
        return None
    first, second = (
        {task: normalise(side.scores[task], *bounds) for task, bounds in known.items()}
        for side in (a, b)
    )
    return probability_of_improvement(first, second)
