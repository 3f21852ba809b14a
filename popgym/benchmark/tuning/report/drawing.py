"""Draws the parallel coordinates of a search with matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from popgym.benchmark.tuning.best import scored
from popgym.benchmark.tuning.report.axes import Axis, axes, shown
from popgym.benchmark.tuning.store import TuneFolder
from popgym.pages.saving import Form, save_figure
from popgym.runs.curve import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_INK, _FAINT = "#1c2530", "#7b8794"
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
    """Draw a line for each trial across the axes, coloured by its score.

    Raises:
        ValueError: If no trial has a score.
    """
    found = shown(scored(folder))
    if not found:
        raise ValueError(f"{folder.path} has no trial with a score: let `popgym tune` go on first")
    laid = axes(found)
    figure = new_figure(1.0 + _WIDTH * len(laid), _HEIGHT, dpi=200)
    plot = figure.subplots()
    heights = [_heights(each) for each in laid]
    colours = heights[-1][0]
    from matplotlib import colormaps

    for i, one in enumerate(found):
        style = {
            "linestyle": "-" if one.is_whole else ":",
            "linewidth": 1.2 if one.is_whole else 0.8,
        }
        plot.plot(
            range(len(laid)), [places[i] for places, _ in heights],
            color=colormaps["viridis"](0.9 - 0.9 * colours[i]), **style,
        )  # fmt: skip
    for x, (each, (_, ticks)) in enumerate(zip(laid, heights, strict=True)):
        plot.axvline(x, color=_FAINT, linewidth=0.8, zorder=0)
        for y, label in zip(ticks, each.labels, strict=True):
            plot.annotate(label.replace("$", r"\$"), (x, y), (3, 0), textcoords="offset points",
                          fontsize=6, va="center", color=_INK)  # fmt: skip
    plot.set_xticks(range(len(laid)), [each.title for each in laid], fontsize=6, rotation=20)
    plot.set_xlim(-0.2, len(laid) - 0.4)
    plot.set_yticks([])
    plot.spines[:].set_visible(False)
    plot.tick_params(length=0)
    plot.set_title("dotted: ended early", fontsize=7, loc="right", color=_FAINT)
    return figure


def _heights(axis: Axis) -> tuple[list[float], list[float]]:
    """Return the heights of the trials and of the ticks, from 0 to 1."""
    low, high = min(axis.places), max(axis.places)
    width = high - low

    def height(place: float) -> float:
        return (place - low) / width if width else 0.5

    return [height(place) for place in axis.places], [height(tick) for tick in axis.ticks]
