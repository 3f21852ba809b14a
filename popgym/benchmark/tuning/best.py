"""Ranks the trials of a search, and writes the settings of the best one."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from popgym.benchmark.store import DONE
from popgym.benchmark.tuning.store import BEST, TuneFolder
from popgym.benchmark.tuning.trial import TuneTrial
from popgym.runs.files import write_text
from popgym.runs.memory_table import known_memories
from popgym.runs.settings import Settings
from popgym.runs.stopping import RecentReturn

CAUTION = (
    "The best score is the highest of several noisy ones, so it is too high. Train with these "
    "settings on other seeds, and report the returns of those runs."
)


@dataclass(frozen=True)
class Scored:
    """A trial with its result."""

    trial: TuneTrial
    status: str
    early: bool
    """Whether it is ended early, because others did better after as many steps."""
    steps: int
    """Environment steps made."""
    score: float | None
    """Mean return of the last episodes; None if no episode ended."""
    values: dict[str, Any]
    """The searched settings, by name. None where a setting says so, or the memory's is unknown."""

    @property
    def is_whole(self) -> bool:
        """Whether it has ended, and not early."""
        return self.status == DONE and not self.early


def scored(folder: TuneFolder) -> list[Scored]:
    """Return the trials that have a score, the best first, and then the others.

    Trials that made all steps come before those that were ended early: returns after fewer steps
    cannot be compared with theirs.
    """
    found = [_scored(trial, folder.request.keys) for trial in folder.trials()]
    return sorted(found, key=_rank)


def _scored(trial: TuneTrial, keys: list[str]) -> Scored:
    rows = trial.rows()
    return Scored(
        trial=trial,
        status=trial.status(),
        early=trial.early() is not None,
        steps=rows[-1]["steps"] if rows else 0,
        score=RecentReturn(None, trial.settings.stop_episodes, rows).so_far,
        values=values_of(trial, keys),
    )


def _rank(one: Scored) -> tuple[Any, ...]:
    known = one.score is not None
    return not known, not one.is_whole, -(one.score if one.score is not None else 0.0)


def best(folder: TuneFolder) -> Scored | None:
    """Return the best of the trials that have ended; None if there is none."""
    ended = (one for one in scored(folder) if one.status == DONE and one.score is not None)
    return next(ended, None)


def values_of(trial: TuneTrial, keys: list[str]) -> dict[str, Any]:
    """Return settings of a trial by name, as its run folder records them if it has begun."""
    settings = trial.known_settings()
    return {key: _value(settings, key) for key in keys}


def _value(settings: Settings, key: str) -> Any:
    table, _, name = key.partition(".")
    if not name:
        return getattr(settings, key)
    options = settings.memory_options if table == "memory" else settings.network
    return options[name] if name in options else _default(settings.memory, table, name)


def _default(memory: str, table: str, name: str) -> Any:
    """Return the default of an option of a memory; None if it is not known."""
    known: Mapping[str, str] = known_memories()["options"].get(memory, {})
    return ast.literal_eval(known[name]) if table == "memory" and name in known else None


def best_settings(folder: TuneFolder, one: Scored) -> dict[str, Any]:
    """Return the settings of a trial for a file that ``popgym train --config`` takes; no seed."""
    asked = folder.request
    found = {key: value for key, value in one.values.items() if value is not None}
    named = {"env": asked.env, "memory": asked.memory, "steps": asked.steps}
    return {**named, **asked.settings, **found}


def write_best(folder: TuneFolder, one: Scored) -> Path:
    """Write the settings of the best trial.

    Returns:
        The file.
    """
    lines = [
        f"# Trial {one.trial.name} of {folder.request.trials}, with a score of {one.score:.4g} on "
        f"seed {folder.request.seed}.",
        f"# {CAUTION}",
        *(f"{key}: {json.dumps(value)}" for key, value in best_settings(folder, one).items()),
    ]
    path = folder.path / BEST
    write_text(path, "\n".join(lines) + "\n")
    return path
