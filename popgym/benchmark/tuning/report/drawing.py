"""Draws the parallel coordinates of a search with matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from popgym.benchmark.tuning.best import scored
from popgym.benchmark.tuning.report.axes import Axis, axes, shown
from popgym.benchmark.tuning.store import TuneFolder
from popgym.pages.saving import Form, save_figure
from popgym.runs.curve import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_INK, _FAINT, _COLOUR = "#1c2530", "#7b8794", "#0b62a4"
_WIDTH, _HEIGHT = 0.85, 3.4  # inches: of the space between two axes, and of the figure


def write_figure(folder: TuneFolder, where: str | Path, form: Form) -> Path:
    """Write the figure of settings and scores.

    Args:
        folder: The search.
        where: A folder, which is created.
        form: The format of the file.

    Raises:
        ValueError: If no trial has a score.
    """
    figure = draw(folder)
    Path(where).mkdir(parents=True, exist_ok=True)
    return save_figure(figure, Path(where) / f"parallel.{form}", form)


def draw(folder: TuneFolder) -> Figure:
    """Draw a line for each trial across the axes. The higher its score, the darker it is.

    Raises:
        ValueError: If no trial has a score.
    """
    found = shown(scored(folder))
    if not found:
        raise ValueError(f"{folder.path} has no trial with a score: let `popgym tune` go on first")
    laid = axes(found, folder.request.ranges)
    figure = new_figure(1.0 + _WIDTH * len(laid), _HEIGHT, dpi=200)
    plot = figure.subplots()
    for i, one in enumerate(found):
        heights = [axis.heights[i] for axis in laid]
        dotted = ":" if one.early else "-"
        plot.plot(heights, dotted, color=_COLOUR, alpha=0.25 + 0.75 * heights[-1], linewidth=1.2)
    _draw_axes(plot, laid)
    plot.set_title("dotted: ended early", fontsize=7, loc="right", color=_FAINT)
    return figure


def _draw_axes(plot: Any, laid: Sequence[Axis]) -> None:
    for x, axis in enumerate(laid):
        plot.axvline(x, color=_FAINT, linewidth=0.8, zorder=0)
        for y, label in zip(axis.ticks, axis.labels, strict=True):
            plot.annotate(
                label.replace("$", r"\$"), (x, y), (3, 0), textcoords="offset points", fontsize=6,
                va="center", color=_INK,
            )  # fmt: skip
    plot.set_xticks(range(len(laid)), [axis.title for axis in laid], fontsize=6, rotation=20)
    plot.set_xlim(-0.2, len(laid) - 0.4)
    plot.set_yticks([])
    plot.spines[:].set_visible(False)
    plot.tick_params(length=0)
