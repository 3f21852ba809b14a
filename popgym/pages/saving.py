"""Saves matplotlib's figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from popgym.runs.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Form = Literal["png", "svg"]


def save_figure(figure: Figure, path: Path, form: Form) -> Path:
    """Write a figure, which replaces ``path`` when it is complete; in SVG, text stays text."""
    from matplotlib import rc_context

    with replacing(path) as temporary, rc_context({"svg.fonttype": "none"}):
        figure.savefig(temporary, format=form)
    return path
