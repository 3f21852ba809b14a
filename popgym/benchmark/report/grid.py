"""The scores of a benchmark, sorted by memory and task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from popgym.benchmark.reading import COLUMNS, Results
from popgym.benchmark.scores import SCORES
from popgym.benchmark.statistics import LEVEL, difference, normalise
from popgym.core.arguments import unknown
from popgym.envs.scores import bounds_of

if TYPE_CHECKING:
    import pandas as pd

SCORE = SCORES[0]
"""The score that the report compares unless it is told another."""


@dataclass(frozen=True)
class Grid:
    """The scores of finished trials."""

    score: str  # a name of ``SCORES``
    memories: list[str]  # in the order in which they first appear, with those without a score
    tasks: list[str]
    scores: dict[tuple[str, str], np.ndarray]  # (memory, task) → scores [seeds], never empty
    bounds: dict[str, tuple[float, float]]  # task → floor and ceiling, see ``normalisable``

    @property
    def normalisable(self) -> list[str]:
        """The tasks with a floor and a ceiling that are far enough apart."""
        return [task for task in self.tasks if task in self.bounds]

    @property
    def raw_only(self) -> list[str]:
        """The tasks whose scores cannot be normalised."""
        return [task for task in self.tasks if task not in self.bounds]

    def normalised(self, memory: str) -> dict[str, np.ndarray]:
        """Return the normalised scores of a memory: task → [seeds]."""
        return {
            task: normalise(self.scores[memory, task], *self.bounds[task])
            for task in self.normalisable
            if (memory, task) in self.scores
        }

    def seeds(self, memory: str) -> list[int]:
        """Return the number of finished trials in each task that has any."""
        return [len(x) for (name, _), x in self.scores.items() if name == memory]

    @property
    def fewest_seeds(self) -> int:
        """The smallest number of finished trials of a memory in a task; 0 without any trial."""
        return min((len(x) for x in self.scores.values()), default=0)

    def best(self, task: str) -> str | None:
        """Return the memory that is better in a task than every other, or None if it may be chance.

        The intervals of the differences hold together (Bonferroni), because the more memories
        are compared, the more often one leads by chance.
        """
        found = {m: self.scores[m, task] for m in self.memories if (m, task) in self.scores}
        if len(found) < 2:
            return None
        leader = max(found, key=lambda memory: found[memory].mean())
        level = 1 - (1 - LEVEL) / (len(found) - 1)
        gaps = [
            difference(found[leader], scores, level=level)
            for memory, scores in found.items()
            if memory != leader
        ]
        return leader if all(gap.low > 0 for gap in gaps) else None  # NaN: one seed


def grid_of(results: Results, score: str = SCORE) -> Grid:
    """Return the scores of the finished trials.

    Args:
        results: The trials.
        score: A name of ``popgym.benchmark.scores.SCORES``.

    Raises:
        ValueError: If there is no such score, no trial, a column is missing, or a trial is there
            twice.
    """
    if score not in SCORES:
        raise ValueError(unknown("score", score, SCORES))
    trials = checked(results.trials)
    done = trials[(trials["status"] == "done") & np.isfinite(trials[score].astype(float))]
    scores = {
        (str(memory), str(task)): rows[score].to_numpy(float)
        for (memory, task), rows in done.groupby(["memory", "task"], sort=False)
    }
    memories, tasks = (list(dict.fromkeys(map(str, trials[c]))) for c in ("memory", "task"))
    bounds = {task: found for task in tasks if (found := bounds_of(task)) is not None}
    return Grid(score, memories, tasks, scores, bounds)


def checked(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the table if it can be reported.

    Raises:
        ValueError: If it is empty, lacks a column, or a trial is in it twice.
    """
    if trials.empty:
        raise ValueError("there is no trial to report: run the benchmark first")
    missing = [column for column in COLUMNS if column not in trials]
    if missing:
        raise ValueError(f"the table of trials lacks the columns {', '.join(missing)}")
    twice = trials[trials.duplicated(["task", "memory", "seed"])]
    if len(twice):
        raise ValueError(
            f"{twice['trial'].iloc[0]} is there twice, and {len(twice)} trials in all: report the "
            "folders one by one, or give the memory another label in one of them"
        )
    return trials
