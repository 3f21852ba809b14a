"""Reads the trials of benchmarks into tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from popgym.benchmark.store import SCHEMA, BenchmarkFolder, Trial, run_of
from popgym.runs.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

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
    "settings": "JSON of the settings that differ from the defaults",
    "path": "run folder",
}
"""The columns of ``read`` and their meanings. Numbers that are unknown are NaN."""


@dataclass
class Results:
    """All that a report shows."""

    trials: pd.DataFrame  # COLUMNS
    curves: (
        pd.DataFrame
    )  # trial, steps, seconds, mean_return; a row for each iteration with episodes
    about: dict[str, Any] = field(default_factory=dict)


def read(*folders: str | Path) -> pd.DataFrame:
    """Return a table of the trials of benchmarks, with the columns ``COLUMNS``.

    ``attrs["schema"]`` is the version of the columns.

    Raises:
        ValueError: If a folder is no benchmark, is damaged or of another version.
    """
    return results(*folders).trials


def results(*folders: str | Path) -> Results:
    """Return the trials of benchmarks with their learning curves.

    Raises:
        ValueError: As ``read``.
    """
    import pandas as pd

    opened = [BenchmarkFolder.open(folder) for folder in folders]
    rows, curves = [], []
    for benchmark in opened:
        for trial in benchmark.trials():
            row, curve = _row(trial)
            rows.append(row)
            curves += curve
    trials = pd.DataFrame(rows, columns=[*COLUMNS])
    trials.attrs["schema"] = SCHEMA
    about = {
        "folders": [str(each.path) for each in opened],
        "commands": [command for each in opened for command in each.commands],
        **_origin(rows),
    }
    columns = ["trial", "steps", "seconds", "mean_return"]
    return Results(trials, pd.DataFrame(curves, columns=columns), about)


def _row(trial: Trial) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """Return the row of a trial and the rows of its curve."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS, np.nan)
    row |= {
        "trial": trial.name, "task": trial.task, "memory": trial.label, "seed": trial.seed,
        "status": trial.status(), "error": trial.error(), "steps": 0,
        "budget": trial.settings.steps, "path": str(trial.path),
        "settings": json.dumps(_changed(trial.settings)),
    }  # fmt: skip
    run = run_of(trial)
    if run is None:
        return row, []
    rows = run.rows()
    points = [
        (trial.name, r["steps"], r["seconds"], r["return_mean"])
        for r in rows
        if r.get("return_mean") is not None
    ]
    row["settings"] = json.dumps(_changed(run.settings))
    if rows:
        row |= {"steps": rows[-1]["steps"], "seconds": rows[-1]["seconds"]}
    row |= scores_of_curve([(steps, mean) for _, steps, _, mean in points], trial.settings.steps)
    row |= _of_evaluation(trial.evaluation())
    return row, points


def scores_of_curve(points: Sequence[tuple[int, float]], budget: int) -> dict[str, float]:
    """Return the scores of a learning curve.

    Args:
        points: Steps and mean return of each iteration in which an episode ended.
        budget: Steps of the whole run.
    """
    from popgym.benchmark.statistics import maximum_excess

    if not points:
        return {}
    means = np.array([mean for _, mean in points])
    last = [mean for steps, mean in points if steps > 0.9 * budget]
    return {
        "mmer": float(means.max()),
        "mmer_excess": maximum_excess(means),
        "last_tenth": float(np.mean(last)) if last else np.nan,
    }


def _of_evaluation(data: Mapping[str, Any] | None) -> dict[str, float]:
    if data is None:
        return {}
    means = {
        column: float(np.mean(data[name]["returns"]))
        for column, name in (("final_mean", "greedy"), ("sampled_mean", "sampled"))
    }
    return {**means, "parameters": data["parameters"], "state_size": data["state_size"]}


def _changed(settings: Settings) -> dict[str, Any]:
    """Return the settings that differ from the defaults and that a trial does not say elsewhere."""
    default = Settings(settings.env).as_dict()
    said = ("env", "memory", "seed", "steps")
    return {k: v for k, v in settings.as_dict().items() if k not in said and v != default[k]}


def _origin(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the versions of packages that the runs recorded."""
    versions: dict[str, set[str]] = {}
    for name, version in _versions(rows):
        versions.setdefault(name, set()).add(version)
    return {"versions": {name: ", ".join(sorted(found)) for name, found in versions.items()}}


def _versions(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for row in rows:
        try:
            config = json.loads((Path(row["path"]) / "config.json").read_text(encoding="utf-8"))
            yield from config["versions"].items()
        except (OSError, ValueError, KeyError, AttributeError):
            continue
