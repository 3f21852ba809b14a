"""``popgym report`` of a folder of ``popgym tune``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Literal

_OF_BENCHMARKS = ("markdown", "latex", "parquet")
_FORMS: tuple[Literal["png", "svg"], ...] = ("png", "svg")


def has_search(folder: str) -> bool:
    """Return whether a folder is that of a search."""
    from popgym.benchmark.store import SEARCH

    return (Path(folder) / SEARCH).exists()


def report_search(arguments: argparse.Namespace) -> int:
    """Write the page of a search, and what else is asked for.

    Raises:
        ValueError: If there are several folders, or a file is asked for that a search has not.
    """
    if len(arguments.folders) > 1:
        search = next(filter(has_search, arguments.folders))
        raise ValueError(f"{search} is a search, which has a page of its own: name it alone")
    for name in _OF_BENCHMARKS:
        if getattr(arguments, name):
            raise ValueError(
                f"--{name} is for benchmarks; of a search there are --png, --svg, --csv"
            )
    from popgym.benchmark.tuning.report import write_figure, write_page
    from popgym.benchmark.tuning.store import TuneFolder

    folder = TuneFolder.open(arguments.folders[0])
    print(f"page: {write_page(folder, arguments.out or folder.path / 'report.html')}")
    for form in _FORMS:
        if getattr(arguments, form):
            print(f"figure: {write_figure(folder, getattr(arguments, form), form)}")
    if arguments.csv:
        _write_csv(folder, Path(arguments.csv))
        print(f"table: {arguments.csv}")
    return 0


def _write_csv(folder: Any, path: Path) -> None:
    import csv

    from popgym.benchmark.tuning.best import scored

    rows = [
        {"trial": one.trial.name, "status": one.status, "early": one.early, "steps": one.steps,
         "score": one.score, **one.values, "path": one.trial.path}
        for one in scored(folder)
    ]  # fmt: skip
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
