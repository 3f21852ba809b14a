"""Writes the report as one HTML file, which needs no network."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from popgym.benchmark.reading import Results
from popgym.benchmark.report.chapters import chapters
from popgym.benchmark.report.grid import SCORE, Grid, grid_of
from popgym.benchmark.report.markup import Html, script_json, tag
from popgym.benchmark.report.plots import plot_data
from popgym.benchmark.report.standings import standings
from popgym.benchmark.report.summary import summary
from popgym.runs.files import write_text

TITLE = "Benchmark of memories"
# With this the browser refuses to load anything from outside, whatever the page contains.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)


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
    from plotly.offline import get_plotlyjs

    ranked = standings(results, grid)
    data = plot_data(results, grid, ranked)
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", _file("page.css")),
    ]
    sections = chapters(results, grid, ranked, data)
    body = [
        tag("a", "Skip to the leaderboard", href="#leaderboard", class_="skip"),
        tag("header", tag("h1", title), summary(results, grid, ranked)),
        tag("nav", *(each.link for each in sections), aria_label="Sections"),
        tag("main", *(each.html for each in sections)),
        tag("p", id="said", class_="unseen", role="status"),
        script_json("data", data),
        *(tag("script", Html(code))
          for code in (get_plotlyjs(), _file("page.js"), _file("plots.js"), _file("switches.js"))),
    ]  # fmt: skip
    return f"<!doctype html>\n{tag('html', tag('head', *head), tag('body', *body), lang='en')}\n"


def _file(name: str) -> Html:
    return Html(files(__package__).joinpath(name).read_text(encoding="utf-8"))
