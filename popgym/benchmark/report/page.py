"""Writes the report as one HTML file, which needs no network."""

from __future__ import annotations

from pathlib import Path

from popgym.benchmark.reading import Results
from popgym.benchmark.report.chapters import chapters
from popgym.benchmark.report.grid import SCORE, Grid, grid_of
from popgym.benchmark.report.plots import plot_data
from popgym.benchmark.report.standings import standings
from popgym.benchmark.report.summary import summary
from popgym.pages import frame
from popgym.runs.files import write_text

TITLE = "Benchmark of memories"


def write_page(
    results: Results, out: str | Path, title: str = TITLE, *, score: str = SCORE
) -> Path:
    """Write the report of a benchmark as one HTML file.

    Args:
        results: The trials, see ``popgym.benchmark.results``.
        out: The file. Its folder is created.
        title: The heading.
        score: The score by which memories are compared, a name of
            ``popgym.benchmark.scores.SCORES``.

    Returns:
        The path of the file.

    Raises:
        ValueError: If there is no trial, no such score, or a trial is there twice.
    """
    grid = grid_of(results, score)
    text = page(results, grid, title)
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
    return path


def page(results: Results, grid: Grid, title: str) -> str:
    """Return the whole page."""
    ranked = standings(results, grid)
    data = plot_data(results, grid, ranked)
    scripts = ("scores.js", "plots.js", "switches.js")
    return frame.page(
        title,
        summary(results, grid, ranked),
        chapters(results, grid, ranked, data),
        data,
        styles=[frame.source(__package__, "report.css")],
        scripts=[frame.source(__package__, name) for name in scripts],
    )
