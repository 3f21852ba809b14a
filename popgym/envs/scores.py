"""What reference players earn: read from the measured table beside this file."""

import csv
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from popgym.core.env import POPGymEnv
from popgym.envs.registry import find

TABLE = Path(__file__).with_name("scores.csv")
COLUMNS = ("environment", "player", "mean", "standard_error", "episodes", "how")


class Score(NamedTuple):
    """What a player earned in whole episodes."""

    mean: float
    """Of the returns."""
    standard_error: float
    """Of the mean."""
    episodes: int
    how: str
    """How it plays, in one line."""


Scores = dict[str, dict[str, Score]]
"""Environment → player → score."""


def reference_scores(env: str | type[POPGymEnv]) -> dict[str, Score] | None:
    """What reference players earn in an environment: random, memoryless, perfect and others.

    "memoryless" plays without memory, "clock" knows only the step; in tasks with cards no such
    player earns more. "perfect" is the best that can be done with what is observed, as far as
    that is proved, and "scripted" good play where it is not; an "oracle" knows what is hidden,
    and so bounds all of them. Others play as their names say. The players are in
    `popgym.players`, and `benchmarks/scores.py` measured them.

    Args:
        env: A name, id or class.

    Returns:
        Player → score, from the weakest to the strongest; None if none was measured, as for
        the environments without a level in their names.

    Raises:
        ValueError: There is no such environment.
    """
    return dict(measured().get(find(env).name, {})) or None


@cache
def measured() -> Scores:
    """The table, read when first asked for."""
    return read_scores(TABLE)


def read_scores(path: Path) -> Scores:
    """Reads a table of scores."""
    scores: Scores = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            score = Score(
                float(row["mean"]), float(row["standard_error"]), int(row["episodes"]), row["how"]
            )
            scores.setdefault(row["environment"], {})[row["player"]] = score
    return scores


def write_scores(path: Path, scores: Mapping[str, Mapping[str, Score]]) -> None:
    """Writes a table of scores, so that a reader sees the old one or the new one, never half."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for environment, players in scores.items():
                for player, (mean, error, episodes, how) in players.items():
                    row = (environment, player, f"{mean:.6f}", f"{error:.6f}", episodes, how)
                    writer.writerow(row)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
