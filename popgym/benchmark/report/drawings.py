"""Draws the figures of ``figures.py`` with matplotlib."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from popgym.benchmark.report.curves import Curve
from popgym.benchmark.report.grid import Grid
from popgym.benchmark.report.plots import THRESHOLDS
from popgym.benchmark.report.standings import Standing
from popgym.benchmark.statistics import performance_profile
from popgym.pages.words import number, size
from popgym.runs.curve import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 6.75  # inches, the text of a page with two columns
_COLOURS = (
    "#1f6fb4", "#d9601a", "#22884f", "#b8336a", "#7a55c7", "#8a5a2b", "#0e93a0", "#9a8a00",
    "#d1499b", "#5f6b76",
)  # fmt: skip
_DASHES = ("-", "--", ":", "-.")
_INK, _FAINT, _LINE = "#1c2530", "#7b8794", "#e1e6eb"


def _figure(height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, Any]:
    """Return a figure and its axes [rows, columns]."""
    figure = new_figure(WIDTH, height, dpi=200)
    axes = figure.subplots(rows, columns, squeeze=False)
    for each in axes.flat:
        each.tick_params(labelsize=7, colors=_INK)
        each.spines[["top", "right"]].set_visible(False)
        each.spines[["left", "bottom"]].set_color(_FAINT)
    return figure, axes


def _look(grid: Grid, memory: str) -> dict[str, Any]:
    i = grid.memories.index(memory)
    return {
        "color": _COLOURS[i % len(_COLOURS)],
        "linestyle": _DASHES[i // len(_COLOURS) % len(_DASHES)],
    }


def _plain(text: str) -> str:
    """Return text in which matplotlib sees no formula."""
    return text.replace("$", r"\$")


# ---- aggregates and profiles


def draw_aggregates(ranked: Sequence[Standing], grid: Grid) -> Figure:
    """Draw the interquartile mean, the optimality gap and the mean, with intervals."""
    figure, axes = _figure(0.7 + 0.22 * len(ranked), columns=3)
    places = np.arange(len(ranked))[::-1]
    titles = ("interquartile mean ↑", "optimality gap ↓", "mean ↑")
    for axis, title, name in zip(axes[0], titles, ("iqm", "gap", "mean"), strict=True):
        for y, each in zip(places, ranked, strict=True):
            value, low, high = getattr(each, name)
            colour = _look(grid, each.memory)["color"]
            if not math.isnan(low):
                axis.plot([low, high], [y, y], color=colour, linewidth=5, alpha=0.35,
                          solid_capstyle="butt")  # fmt: skip
            axis.plot([value], [y], marker="|", color=colour, markersize=9, markeredgewidth=2)
        axis.set_title(title, fontsize=8, color=_INK)
        axis.set_yticks(places, [])
        axis.set_ylim(-0.6, len(ranked) - 0.4)
        axis.grid(axis="x", color=_LINE, linewidth=0.6)
    axes[0, 0].set_yticks(places, [_plain(each.memory) for each in ranked])
    return figure


def draw_profiles(ranked: Sequence[Standing], grid: Grid) -> Figure:
    """Draw the share of runs above each normalised score."""
    figure, axes = _figure(3.0)
    axis = axes[0, 0]
    for each in ranked:
        value, low, high = performance_profile(grid.normalised(each.memory), THRESHOLDS)
        look = _look(grid, each.memory)
        axis.plot(THRESHOLDS, value, linewidth=1.4, label=_plain(each.memory), **look)
        axis.fill_between(THRESHOLDS, low, high, color=look["color"], alpha=0.12, linewidth=0)
    axis.set_xlabel("normalised score", fontsize=8)
    axis.set_ylabel("share of runs above", fontsize=8)
    axis.grid(color=_LINE, linewidth=0.6)
    figure.legend(loc="outside right upper", fontsize=7, frameon=False)
    return figure


# ---- heat map


def draw_heat_map(grid: Grid) -> Figure:
    """Draw the mean normalised scores of tasks and memories."""
    tasks = grid.normalisable
    means = {memory: grid.normalised(memory) for memory in grid.memories}
    values = np.array([
        [means[m][task].mean() if task in means[m] else np.nan for m in grid.memories]
        for task in tasks
    ])  # fmt: skip
    figure, axes = _figure(0.9 + 0.17 * len(tasks))
    axis = axes[0, 0]
    best = [grid.best(task) for task in tasks]
    axis.imshow(values, cmap="BuGn", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        bold = best[row] == grid.memories[column]
        axis.text(column, row, number(float(value), 2), ha="center", va="center", fontsize=6,
                  color="white" if value > 0.6 else _INK,
                  fontweight="bold" if bold else "normal")  # fmt: skip
    axis.set_xticks(range(len(grid.memories)), [_plain(m) for m in grid.memories], rotation=45,
                    ha="right", rotation_mode="anchor")  # fmt: skip
    axis.set_yticks(range(len(tasks)), [_plain(task) for task in tasks])
    axis.spines[["left", "bottom"]].set_visible(False)
    axis.tick_params(length=0)
    return figure


# ---- learning curves


def draw_curves(curves: Sequence[Curve], grid: Grid, tasks: Sequence[str]) -> Figure:
    """Draw the learning curves of tasks against steps, each with the floor and the ceiling."""
    columns = min(3, len(tasks))
    rows = math.ceil(len(tasks) / columns)
    figure, axes = _figure(0.5 + 1.5 * rows, rows, columns)
    for axis, task in zip(axes.flat, tasks, strict=False):
        _draw_task(axis, task, [each for each in curves if each.task == task], grid)
    for axis in axes.flat[len(tasks) :]:
        axis.set_visible(False)
    figure.supxlabel("environment steps", fontsize=8)
    figure.supylabel("mean episode return", fontsize=8)
    handles = {text: line for axis in axes.flat
               for line, text in zip(*axis.get_legend_handles_labels(), strict=True)}  # fmt: skip
    figure.legend(handles.values(), handles, loc="outside upper center", ncols=6, fontsize=7,
                  frameon=False)  # fmt: skip
    return figure


def _draw_task(axis: Any, task: str, curves: Sequence[Curve], grid: Grid) -> None:
    for bound in grid.bounds.get(task, ()):
        axis.axhline(bound, color=_FAINT, linestyle=":", linewidth=0.8)
    shown = [*grid.bounds.get(task, ()), *np.concatenate([each.value for each in curves])]
    margin = 0.06 * (max(shown) - min(shown) or 1)
    axis.set_ylim(min(shown) - margin, max(shown) + margin)  # bands may be much wider
    for each in curves:
        look = _look(grid, each.memory)
        axis.plot(each.steps, each.value, linewidth=1.1, label=_plain(each.memory), **look)
        if each.reach is not None:
            axis.fill_between(each.steps, each.value - each.reach, each.value + each.reach,
                              color=look["color"], alpha=0.12, linewidth=0)  # fmt: skip
    axis.set_title(_plain(task), fontsize=7, color=_INK)
    axis.xaxis.set_major_formatter(lambda x, _: size(x))
    axis.grid(color=_LINE, linewidth=0.5)
