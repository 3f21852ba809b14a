"""The scores of reference players, read from the measured table beside this file."""

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
    """The mean return of a player over whole episodes."""

    mean: float
    """The mean of the returns."""
    standard_error: float
    """The standard error of the mean."""
    episodes: int
    how: str
    """How the player plays, in one line."""


LEAST_RANGE = 0.05
"""Tasks whose floor and ceiling are closer are not normalised: the division would make the noise of
an evaluation, which is about 0.01 of return, larger than all differences between memories."""

Scores = dict[str, dict[str, Score]]
"""Environment → player → score."""


def reference_scores(env: str | type[POPGymEnv]) -> dict[str, Score] | None:
    """Return the scores of the reference players of an environment.

    The names of the players mean:

    - "random" draws its actions uniformly.
    - "memoryless" plays without memory; "clock" knows only the step. In tasks with cards no player
      of this kind earns more.
    - "perfect" is proved to be the best that can be done with what is observed. "scripted" is good
      play without such a proof.
    - "oracle" knows what is hidden, so its score is an upper bound for all agents.

    Other names are those of well-known strategies. The players are in ``popgym.players``, and
    ``benchmarks/scores.py`` measures them.

    Args:
        env: A name, id or class.

    Returns:
        Player → score, from the weakest to the strongest; None if none was measured, as for the
            environments without a level in their names.

    Raises:
        ValueError: If there is no such environment.
    """
    return dict(measured().get(find(env).name, {})) or None


def bounds_of(task: str) -> tuple[float, float] | None:
    """Return the floor and the ceiling of a task: without memory, and the best that is known.

    None if the task is not popgym's, has no reference scores, or these are closer than
    ``LEAST_RANGE``.
    """
    try:
        scores = reference_scores(task)
    except ValueError:
        return None
    if not scores:
        return None
    means = [score.mean for score in scores.values()]
    floor = max(scores[p].mean for p in ("random", "memoryless", "clock") if p in scores)
    return (floor, max(means)) if max(means) - floor >= LEAST_RANGE else None


@cache
def measured() -> Scores:
    """Return the table, which is read at the first call."""
    return read_scores(TABLE)


def read_scores(path: Path) -> Scores:
    """Read a table of scores."""
    scores: Scores = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            score = Score(
                float(row["mean"]), float(row["standard_error"]), int(row["episodes"]), row["how"]
            )
            scores.setdefault(row["environment"], {})[row["player"]] = score
    return scores


def write_scores(path: Path, scores: Mapping[str, Mapping[str, Score]]) -> None:
    """Write a table of scores.

    The file is replaced at once, so that a reader never sees half of it.

    Args:
        path: The file.
        scores: Environment → player → score.
    """
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
