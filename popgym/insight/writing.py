"""Inspects runs and writes what was found: a page, figures, and the numbers as JSON and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from popgym.insight.counterfactual import KINDS
from popgym.insight.inspection import Checkpoint, Inspection, inspect
from popgym.insight.page import write_page
from popgym.insight.places import EFFECT, FOLDER, NUMBERS
from popgym.runs.files import replacing, write_text
from popgym.runs.folder import RunFolder
from popgym.runs.names import environment_of_run
from popgym.runs.policy import load_policy

CHECKPOINT_PARTS = ("effect", "worth")


class Inspected(NamedTuple):
    """The results for several runs, and the files that were written."""

    found: list[Inspection]
    paths: list[Path]


def inspect_runs(
    runs: Sequence[str | Path],
    out: str | Path | None = None,
    *,
    checkpoints: bool = False,
    **options: Any,
) -> Inspected:
    """Inspect runs, write the numbers of each, and one page about all.

    The numbers are written as soon as a run has been inspected, so that they are kept if a later
    one fails.

    Args:
        runs: Run folders.
        out: The folder to write to. With several runs, the numbers of each are in a folder of its
            name inside. None: the numbers are in the folder ``inspection`` of each run, and the
            page in that of the first.
        checkpoints: Whether to inspect also the policies kept during training.
        **options: Arguments of ``inspect``.

    Raises:
        ValueError: As ``inspect``; if two runs have the same name, or ``checkpoints`` is asked for
            and a run has no snapshots.
    """
    paths = [Path(run) for run in runs]
    names = _names(paths)
    if checkpoints:
        for path in paths:
            _snapshots(path)  # refuse before the first minute of work
    found, written = [], []
    for path, name in zip(paths, names, strict=True):
        one = inspect(path, name=name, **options)
        if checkpoints:
            one = replace(one, checkpoints=_over_training(path, one, options))
        found.append(one)
        folder = _folder_of(path, name, out, alone=len(paths) == 1)
        written.append(write_numbers(one, folder))
    together = Path(out) if out is not None else paths[0] / FOLDER
    return Inspected(found, [*written, *write_page(found, together)])


def write_numbers(found: Inspection, folder: str | Path) -> Path:
    """Write ``inspect.json`` and ``effect.csv`` into a folder, which is created.

    Returns:
        The path of inspect.json.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / NUMBERS, json.dumps(found.as_data(), indent=1, allow_nan=False) + "\n")
    if found.effect is not None:
        with replacing(folder / EFFECT) as path, path.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(_effect_rows(found))
    return folder / NUMBERS


def _effect_rows(found: Inspection) -> list[list[Any]]:
    assert found.effect is not None
    bounds = ("", "_low", "_high")
    rows: list[list[Any]] = [["lag", *(f"{kind}{bound}" for kind in KINDS for bound in bounds)]]
    columns = [column for kind in KINDS for column in found.effect.curves[kind]]
    for lag, numbers in enumerate(zip(*columns, strict=True)):
        rows.append([lag, *(f"{number:.6g}" if number == number else "" for number in numbers)])
    return rows


def _names(paths: Sequence[Path]) -> list[str]:
    names = [path.resolve().name for path in paths]
    for path, name in zip(paths, names, strict=True):
        if names.count(name) > 1:
            raise ValueError(
                f"two runs are called {name!r}, as {path}: copy one under another name, or inspect "
                "them one after the other"
            )
    return names


def _folder_of(path: Path, name: str, out: str | Path | None, alone: bool) -> Path:
    if out is None:
        return path / FOLDER
    return Path(out) if alone else Path(out) / name


def _snapshots(path: Path) -> dict[int, Path]:
    found = RunFolder.open(path).snapshots()
    if not found:
        raise ValueError(
            f"{path} has no policies of earlier steps: train with --set snapshots=10 to keep some"
        )
    return found


def _over_training(path: Path, last: Inspection, options: dict[str, Any]) -> list[Checkpoint]:
    """Inspect the policies that were kept; the last one is the run's own if it is newer."""
    folder, found = RunFolder.open(path, options.get("trust", False)), []
    env, env_options, of_run = environment_of_run(
        folder, options.get("env"), options.get("env_options")
    )
    say = options.get("progress") or (lambda line: None)
    given = {
        **options, "env": env, "env_options": env_options, "progress": None, "name": last.name,
        "wrappers": [*of_run, *options.get("wrappers", ())], "parts": CHECKPOINT_PARTS,
    }  # fmt: skip
    for steps, snapshot in folder.snapshots().items():
        say(f"checkpoint: {steps:,} steps")
        policy = load_policy(snapshot, last.settings["seed"], folder.trust)
        found.append(Checkpoint(steps, inspect(policy, **given)))
    steps = int(max((row["steps"] for row in folder.rows()), default=0))
    if not found or steps > found[-1].steps:
        found.append(Checkpoint(steps, last))
    return found
