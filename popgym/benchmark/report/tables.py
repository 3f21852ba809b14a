"""Tables for a text: tasks × memories in Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Callable

from popgym.benchmark.reading import Results
from popgym.benchmark.report.grid import SCORE, Grid, grid_of
from popgym.benchmark.statistics import confidence_note, mean
from popgym.pages.words import UNKNOWN, interval

_MARKDOWN = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>#|"} | {"\n": " "})
_LATEX = str.maketrans({
    **{c: f"\\{c}" for c in "&%$#_{}"},
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "−": "$-$", "\n": " ",
})  # fmt: skip


def markdown_table(results: Results, *, score: str = SCORE) -> str:
    """Return a table of the raw mean scores with 95 % intervals over seeds.

    The best memory of a task is bold only if it is better than each other by more than chance.

    Args:
        results: The trials; finished ones are shown.
        score: A name of ``popgym.benchmark.scores.SCORES``.

    Raises:
        ValueError: If there is no such score, or a trial is there twice.
    """
    grid = grid_of(results, score)
    names = ["task", *(_markdown(memory) for memory in grid.memories)]
    rule = ["---", *("---:" for _ in grid.memories)]
    rows = _rows(grid, _markdown, "**{}**".format)
    lines = ["| " + " | ".join(cells) + " |" for cells in (names, rule, *rows)]
    return "\n".join([*lines, "", _note(grid), ""])


def latex_table(results: Results, *, score: str = SCORE) -> str:
    """Return the table of ``markdown_table`` as a LaTeX ``tabular`` for the package booktabs.

    Args:
        results: As in ``markdown_table``.
        score: As in ``markdown_table``.

    Raises:
        ValueError: As ``markdown_table``.
    """
    grid = grid_of(results, score)
    names = ["Task", *(_latex(memory) for memory in grid.memories)]
    rows = _rows(grid, _latex, r"\textbf{{{}}}".format)
    head, *body = (" & ".join(cells) + r" \\" for cells in (names, *rows))
    return "\n".join([
        r"\begin{tabular}{l" + "r" * len(grid.memories) + "}", r"\toprule", head, r"\midrule",
        *body, r"\bottomrule", r"\end{tabular}", f"% {_note(grid)}", "",
    ])  # fmt: skip


def _markdown(text: str) -> str:
    return text.translate(_MARKDOWN)


def _latex(text: str) -> str:
    return text.translate(_LATEX)


def _rows(grid: Grid, escape: Callable[[str], str], bold: Callable[[str], str]) -> list[list[str]]:
    rows = []
    for task in grid.tasks:
        best = grid.best(task)
        cells = [escape(_cell(grid, memory, task)) for memory in grid.memories]
        marked = [bold(x) if m == best else x for m, x in zip(grid.memories, cells, strict=True)]
        rows.append([escape(task), *marked])
    return rows


def _cell(grid: Grid, memory: str, task: str) -> str:
    scores = grid.scores.get((memory, task))
    return UNKNOWN if scores is None else interval(mean(scores), digits=3)


def _note(grid: Grid) -> str:
    text = (
        f"Score: {grid.score}, mean over seeds [95 % interval]. Bold: better than each of the "
        "others by more than chance (intervals of the differences, corrected for their number)."
    )
    return f"{text} {confidence_note(grid.fewest_seeds)}".strip() if grid.scores else text
