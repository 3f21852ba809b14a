"""Reads the trials of benchmarks into tables."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from popgym.benchmark.maximum import maximum_excess
from popgym.benchmark.store import SCHEMA, BenchmarkFolder, Trial
from popgym.insight.places import FOLDER, NUMBERS
from popgym.runs.folder import CONFIG, PROGRESS
from popgym.runs.settings import Settings

Scores = dict[str, float]

COLUMNS = {
    "trial": "unique name",
    "task": "environment",
    "memory": "label of the contestant",
    "seed": "seed of the run",
    "status": "waiting, running, stopped, done or failed",
    "error": "why it failed; empty if it did not",
    "steps": "environment steps made",
    "budget": "environment steps wanted",
    "seconds": "seconds of training",
    "mmer": "highest mean return of an iteration (Morad et al. 2023); biased upwards",
    "mmer_excess": "estimate of what the maximum adds by chance",
    "last_tenth": "mean return of the last tenth of the steps",
    "final_mean": "mean return of 200 greedy episodes after training",
    "sampled_mean": "mean return of 200 episodes with sampled actions after training",
    "parameters": "numbers in the policy's weights",
    "state_size": "numbers in the memory's state of one environment",
    "horizon": "memory horizon in steps, if `popgym inspect` was run on the run folder",
    "worth_of_memory": "what memory earns, as a fraction, if it was",
    "settings": "JSON of the settings that differ from the defaults",
    "path": "run folder",
}
"""The columns of ``read`` and their meanings. Numbers that are unknown are NaN."""


@dataclass
class Results:
    """All that a report shows."""

    trials: pd.DataFrame
    """A row for each trial, with the columns ``COLUMNS``."""
    curves: pd.DataFrame
    """A row for each iteration with finished episodes: trial, steps, seconds, mean_return."""
    about: dict[str, Any] = field(default_factory=dict)


def read(*folders: str | Path) -> pd.DataFrame:
    """Return a table of the trials of benchmarks, with the columns ``COLUMNS``.

    ``attrs["schema"]`` is the version of the columns.

    Raises:
        ValueError: If a folder is no benchmark, is damaged or of another version, or two folders
            have the same trial.
    """
    return results(*folders).trials


def results(*folders: str | Path) -> Results:
    """Return the trials of benchmarks with their learning curves.

    Raises:
        ValueError: As ``read``.
    """
    opened = [BenchmarkFolder.open(folder) for folder in folders]
    rows, names, curves, versions = [], [], [np.empty((0, 3))], set()
    for benchmark in opened:
        for trial in benchmark.trials():
            config, curve = _config(trial), read_curve(trial.path / PROGRESS)
            rows.append(_row(trial, config, curve))
            curves.append(ended(curve))
            names.append(np.full(len(curves[-1]), len(rows) - 1))
            versions |= set(config.get("versions", {}).items())
    trials = pd.DataFrame(rows, columns=[*COLUMNS])
    _refuse_twins(trials)
    trials.attrs["schema"] = SCHEMA
    about = {
        "folders": [str(each.path) for each in opened],
        "commands": [command for each in opened for command in each.commands],
        "versions": _joined(versions),
    }
    return Results(trials, _curves(trials["trial"], names, curves), about)


def _refuse_twins(trials: pd.DataFrame) -> None:
    twins = trials[trials["trial"].duplicated(keep=False)]
    if len(twins):
        first, second, *_ = twins[twins["trial"] == twins["trial"].iloc[0]]["path"]
        raise ValueError(
            f"trial {twins['trial'].iloc[0]} is in two of the folders, {first} and {second}: leave "
            "one out"
        )


def _curves(trials: pd.Series, places: list[np.ndarray], curves: list[np.ndarray]) -> pd.DataFrame:
    """Return one table of all curves, whose trials are at these places."""
    found = pd.DataFrame(np.concatenate(curves), columns=[*_CURVE.values()])
    whose = np.concatenate([*places, np.empty(0, np.int64)]).astype(np.int64)
    found.insert(0, "trial", pd.Categorical.from_codes(whose, categories=trials.unique()))
    return found.astype({"steps": np.int64})


_CURVE = {"steps": "steps", "seconds": "seconds", "return_mean": "mean_return"}
"""Columns of progress.csv → columns of ``Results.curves``."""


def read_curve(path: Path) -> np.ndarray:
    """Return steps, seconds and mean return (NaN if no episode ended) of a progress.csv: [N, 3].

    Lines that a crash cut short are left out. It reads thousands of files in a few seconds, which
    ``RunFolder.rows`` does not.
    """
    try:
        text = path.read_bytes()
    except OSError:
        return np.empty((0, 3))
    whole = text[: text.rfind(b"\n") + 1]
    header = whole.partition(b"\n")[0].decode(errors="replace").split(",")
    if not set(_CURVE) <= set(header) or whole.count(b"\n") < 2:
        return np.empty((0, 3))
    places = [header.index(name) for name in _CURVE]
    try:
        filled = io.BytesIO(whole.replace(b",,", b",nan,"))
        found = np.loadtxt(filled, delimiter=",", skiprows=1, usecols=places, ndmin=2)
        return found[np.isfinite(found[:, 0])]
    except ValueError:
        return _line_by_line(whole.splitlines()[1:], len(header), places)


def _line_by_line(lines: list[bytes], width: int, places: list[int]) -> np.ndarray:
    """Return the numbers of the lines that have one or nothing in each place."""
    found = []
    for cells in (line.split(b",") for line in lines):
        if len(cells) == width:
            with contextlib.suppress(ValueError):
                found.append([float(cells[place] or "nan") for place in places])
    numbers = np.array(found).reshape(-1, 3)
    return numbers[np.isfinite(numbers[:, 0])]


def _config(trial: Trial) -> dict[str, Any]:
    """Return the run's config.json; {} if the trial has not begun, or the file is damaged."""
    try:
        config = json.loads((trial.path / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def _row(trial: Trial, config: Mapping[str, Any], curve: np.ndarray) -> dict[str, Any]:
    evaluation = trial.evaluation()
    settings = config.get("settings")
    if not isinstance(settings, dict):
        settings = trial.settings.as_dict()
    row: dict[str, Any] = dict.fromkeys(COLUMNS, np.nan)
    row |= {
        "trial": trial.name, "task": trial.task, "memory": trial.label, "seed": trial.seed,
        "status": trial.status(evaluation), "error": trial.error(), "steps": 0,
        "budget": trial.settings.steps, "path": str(trial.path),
        "settings": json.dumps(_changed(settings)),
    }  # fmt: skip
    if len(curve):
        row |= {"steps": int(curve[-1, 0]), "seconds": float(curve[-1, 1])}
    row |= scores_of_curve(curve[:, ::2], trial.settings.steps)
    return row | _of_evaluation(evaluation) | _of_inspection(trial.path)


def scores_of_curve(points: Sequence[tuple[int, float]] | np.ndarray, budget: int) -> Scores:
    """Return the scores of a learning curve: mmer, mmer_excess and last_tenth.

    Args:
        points: Steps and mean return of each iteration; NaN if no episode ended.
        budget: Steps of the whole run.
    """
    steps, means = ended(np.asarray(points, float).reshape(-1, 2)).T
    if not len(means):
        return {}
    return {
        "mmer": float(means.max()),
        "mmer_excess": maximum_excess(means),
        "last_tenth": last_tenth(steps, means, budget),
    }


def ended(curve: np.ndarray) -> np.ndarray:
    """Return the rows of a curve in which an episode ended; the mean return is the last column."""
    return curve[np.isfinite(curve[:, -1])]


def last_tenth(steps: np.ndarray, means: np.ndarray, whole: float) -> float:
    """Return the mean of the mean returns in the last tenth of the steps; NaN if there are none."""
    last = means[steps > 0.9 * whole]
    return float(last.mean()) if len(last) else np.nan


def _of_evaluation(data: Mapping[str, Any] | None) -> Scores:
    if data is None:
        return {}
    means = {
        column: float(np.mean(data[name]["returns"]))
        for column, name in (("final_mean", "greedy"), ("sampled_mean", "sampled"))
    }
    return {**means, "parameters": data["parameters"], "state_size": data["state_size"]}


def _of_inspection(path: Path) -> Scores:
    """Return what ``popgym inspect`` has written into a run folder, if it has."""
    try:
        data = json.loads((path / FOLDER / NUMBERS).read_text(encoding="utf-8"))
        found = {"horizon": data["horizon"]["steps"], "worth_of_memory": data["worth_of_memory"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # not inspected, or only in part
    return {name: np.nan if value is None else float(value) for name, value in found.items()}


_SAID = ("env", "memory", "seed", "steps")  # columns of their own
_DEFAULTS = Settings("").as_dict()


def _changed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that differ from the defaults and that have no column of their own."""
    known = (item for item in settings.items() if item[0] in _DEFAULTS and item[0] not in _SAID)
    return {name: value for name, value in known if value != _DEFAULTS[name]}


def _joined(versions: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return package → versions, of which there may be several."""
    found: dict[str, list[str]] = {}
    for name, version in sorted(versions):
        found.setdefault(name, []).append(version)
    return {name: ", ".join(each) for name, each in found.items()}
