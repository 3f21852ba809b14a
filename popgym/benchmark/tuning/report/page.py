"""Writes the page of a search as one HTML file, which needs no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from popgym.benchmark.store import DONE
from popgym.benchmark.tuning.best import CAUTION, Scored, best, scored
from popgym.benchmark.tuning.report.axes import axes, shown
from popgym.benchmark.tuning.store import BEST, TuneFolder
from popgym.pages import frame
from popgym.pages.markup import Cell, Column, Html, join, table, tag
from popgym.pages.words import UNKNOWN, count, number
from popgym.runs.files import write_text

_N = "number"
_HOW = (
    "Each line is a trial. It crosses each axis at the trial's value; the higher its score, the "
    "stronger its colour. Dotted lines are trials that were ended early: their scores are those "
    "after fewer steps."
)


def write_page(folder: TuneFolder, out: str | Path) -> Path:
    """Write the page of a search.

    Args:
        folder: The search.
        out: The file. Its folder is created.

    Returns:
        The path of the file.
    """
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, page(folder))
    return path


def page(folder: TuneFolder) -> str:
    """Return the whole page."""
    found, asked = scored(folder), folder.request
    drawn = shown(found)
    return frame.page(
        f"Search: {asked.memory} on {asked.env}",
        _head(folder, found),
        list(_chapters(folder, found, drawn)),
        {"parallel": _parallel(folder, drawn)},
        scripts=[frame.source(__package__, "parallel.js")],
    )


def _parallel(folder: TuneFolder, drawn: Sequence[Scored]) -> dict[str, Any]:
    """Return what ``parallel.js`` draws."""
    laid = axes(drawn, folder.request.ranges) if drawn else []
    trials = [
        {"name": one.trial.name, "early": one.early, "text": f"trial {one.trial.name}"}
        for one in drawn
    ]
    return {"axes": [each._asdict() for each in laid], "trials": trials}


def _head(folder: TuneFolder, found: Sequence[Scored]) -> Html:
    asked = folder.request
    done = [one for one in found if one.status == DONE]
    early = sum(one.early for one in done)
    said = (
        f"{len(done)} of {count(len(found), 'trial')} of at most {asked.steps:,} steps have ended, "
        f"{early} of them early. All have seed {asked.seed}."
    )
    winner = best(folder)
    verdict: Any = ""
    if winner is not None and winner.score is not None:
        text = f"Best score: {number(winner.score)}, trial {winner.trial.name}"
        verdict = tag("p", text, class_="verdict")
    return join([verdict, tag("p", said), tag("ul", tag("li", CAUTION), class_="cautions")])


def _chapters(
    folder: TuneFolder, found: Sequence[Scored], drawn: Sequence[Scored]
) -> Iterator[frame.Chapter]:
    if drawn:
        place = frame.figure("parallel", "tall", _HOW)
        yield frame.Chapter("settings", "Settings and scores", place)
    yield frame.Chapter("trials", "Trials", _table(folder, found))
    failed = [one for one in found if one.trial.error()]
    if failed:
        rows = [[Cell(one.trial.name), Cell(one.trial.error())] for one in failed]
        columns = [Column("trial"), Column("error")]
        yield frame.Chapter("failed", "Failed", table("Trials that failed", columns, rows))
    winner = best(folder)
    if winner is not None:
        command = f"popgym train --config {folder.path / BEST} --seed {folder.request.seed + 1}"
        again = tag("pre", "\n".join([*folder.commands, command]))
        yield frame.Chapter("commands", "Commands", again)


def _table(folder: TuneFolder, found: Sequence[Scored]) -> Html:
    keys = folder.request.keys
    columns = [
        Column("trial"), Column("status"), Column("steps", _N),
        Column("score", _N, "mean return of the last episodes"), *(Column(key, _N) for key in keys),
    ]  # fmt: skip
    return table("All trials, the best first", columns, map(_row, found))


def _row(one: Scored) -> list[Cell]:
    score = float("nan") if one.score is None else one.score
    status = "ended early" if one.early and one.status == DONE else one.status
    start = [
        Cell(one.trial.name), Cell(status), Cell(f"{one.steps:,}", float(one.steps), _N),
        Cell(number(score), score, _N),
    ]  # fmt: skip
    return [*start, *(_cell(value) for value in one.values.values())]


def _cell(value: Any) -> Cell:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Cell(f"{value:.3g}" if isinstance(value, float) else value, float(value), _N)
    return Cell(UNKNOWN if value is None else str(value), kind=_N)
