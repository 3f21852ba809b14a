"""Writes the main figures at the size of a page of a paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from popgym.benchmark.reading import Results
from popgym.benchmark.report.curves import Curve, curves_of
from popgym.benchmark.report.drawings import (
    draw_aggregates,
    draw_curves,
    draw_heat_map,
    draw_profiles,
)
from popgym.benchmark.report.grid import SCORE, Grid, grid_of
from popgym.benchmark.report.standings import standings
from popgym.core.arguments import unknown
from popgym.pages.saving import Form, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TASKS_A_PAGE = 15
_FORMS = ("png", "svg")


def write_figures(
    results: Results, folder: str | Path, form: Form = "png", *, score: str = SCORE
) -> list[Path]:
    """Write the main figures: aggregates, heat map, learning curves, profiles.

    A figure for which there is no score is left out.

    Args:
        results: The trials.
        folder: Where. It is created.
        form: The format of the files.
        score: A name of ``popgym.benchmark.scores.SCORES``.

    Returns:
        The paths of the files.

    Raises:
        ValueError: If there is no such score or format, or a trial is there twice.
    """
    if form not in _FORMS:
        raise ValueError(unknown("form", form, _FORMS))
    grid = grid_of(results, score)
    ranked, curves = standings(results, grid), curves_of(results)
    drawn: dict[str, Callable[[], Figure]] = {}
    if ranked:
        drawn["aggregates"] = partial(draw_aggregates, ranked, grid)
        drawn["heat_map"] = partial(draw_heat_map, grid)
        drawn["profiles"] = partial(draw_profiles, ranked, grid)
    for name, tasks in _pages(curves, grid).items():
        drawn[name] = partial(draw_curves, curves, grid, tasks)
    Path(folder).mkdir(parents=True, exist_ok=True)
    return [
        save_figure(make(), Path(folder) / f"{name}.{form}", form) for name, make in drawn.items()
    ]


def _pages(curves: Sequence[Curve], grid: Grid) -> dict[str, list[str]]:
    """Return the tasks of each figure of learning curves; more than a page holds are split."""
    known = {each.task for each in curves}
    tasks = [task for task in grid.tasks if task in known]
    pages = [tasks[i : i + _TASKS_A_PAGE] for i in range(0, len(tasks), _TASKS_A_PAGE)]
    if len(pages) == 1:
        return {"curves": tasks}
    return {f"curves_{i}": page for i, page in enumerate(pages, 1)}
