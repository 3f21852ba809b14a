"""Scores that others published, in ``popgym/benchmark/published.csv``.

They were copied from a transcript and not compared to the papers, so the page marks them.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).parents[1] / "published.csv"


class Published(NamedTuple):
    """A score from a paper."""

    task: str
    model: str
    score: float
    """Highest mean return of an epoch (MMER), mean over trials."""
    source: str


def best_published(path: Path = TABLE) -> dict[str, Published]:
    """Return the best published score of each task that has any."""
    best: dict[str, Published] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found = Published(row["task"], row["model"], float(row["score"]), row["source"])
            # Of equal scores the later row counts, which names all models with that score.
            if found.task not in best or found.score >= best[found.task].score:
                best[found.task] = found
    return best
