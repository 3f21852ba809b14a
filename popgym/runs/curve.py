"""Draws the learning curve of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from popgym.runs.files import replacing

INK, FAINT, COLOUR = "#1f2933", "#9aa5b1", "#1f77b4"
CLOSE = 0.1  # reference returns closer than this share a label; returns lie in [-1, 1]


def draw_curve(
    path: Path,
    rows: Sequence[Mapping[str, Any]],
    title: str,
    references: Mapping[str, float] | None = None,
) -> None:
    """Draw the mean return against environment steps, as a PNG file.

    Args:
        path: The file to write.
        rows: Rows of progress.csv. Rows in which no episode ended are skipped.
        title: The title of the figure.
        references: Names and returns of reference players, such as random and perfect play. Each
            is drawn as a horizontal line.
    """
    points = [(r["steps"], r["return_mean"]) for r in rows if r.get("return_mean") is not None]
    figure = new_figure(7, 4.2, dpi=140)
    axes = figure.add_subplot()
    _draw_references(axes, references or {})
    if points:
        steps, returns = zip(*points, strict=True)
        axes.plot(steps, returns, color=COLOUR, linewidth=1.8, marker="o", markersize=2.5)
        axes.annotate(
            f"{returns[-1]:.3f}", (steps[-1], returns[-1]), xytext=(0, -12),
            textcoords="offset points", ha="right", color=COLOUR, fontsize=9,
        )  # fmt: skip
    else:
        _say_that_it_is_empty(axes, rows, references or {})
    axes.set_title(title, loc="left", color=INK, fontsize=10, parse_math=False)
    axes.set_xlabel("environment steps")
    axes.set_ylabel("mean episode return (sum of rewards)")
    axes.xaxis.set_major_formatter(lambda x, _: _in_short(x))
    axes.grid(True, color="#e4e7eb", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def _say_that_it_is_empty(
    axes: Any, rows: Sequence[Mapping[str, Any]], references: Mapping[str, float]
) -> None:
    steps = rows[-1]["steps"] if rows else 0
    text = f"no episode ended in {steps:,} steps" if steps else "no episode has ended yet"
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", color=INK)
    axes.set_xlim(0, max(1, steps))
    if not references:  # nothing is drawn, so that numbers at the axis would mean nothing
        axes.set_yticks([])


def _in_short(steps: float) -> str:
    for size, unit in ((1e6, " M"), (1e3, " k")):
        if steps >= size:
            return f"{steps / size:g}{unit}"
    return f"{steps:g}"


def new_figure(width: float, height: float, dpi: int) -> Any:
    """Return an empty matplotlib figure, of this size in inches, that can be saved."""
    # Not pyplot, whose global state would interfere with a user's own figures.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _draw_references(axes: Any, references: Mapping[str, float]) -> None:
    """Draw a line for each reference, and one common label for references that are close."""
    groups: list[list[tuple[str, float]]] = []
    for name, value in sorted(references.items(), key=lambda item: item[1]):
        axes.axhline(value, color=FAINT, linestyle="--", linewidth=1)
        if groups and value - groups[-1][-1][1] < CLOSE:
            groups[-1].append((name, value))
        else:
            groups.append([(name, value)])
    for group in groups:
        axes.annotate(
            "\n".join(f"{name} {value:.3g}" for name, value in reversed(group)),
            (1, sum(value for _, value in group) / len(group)),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0), textcoords="offset points", va="center", color=FAINT, fontsize=8,
        )  # fmt: skip
