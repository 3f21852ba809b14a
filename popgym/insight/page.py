"""Writes the page of an inspection, and its figures for papers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from popgym.insight.charts import charts
from popgym.insight.drawings import drawings
from popgym.insight.inspection import Inspection
from popgym.insight.places import PAGE
from popgym.insight.sections import sections, verdicts
from popgym.pages import frame
from popgym.pages.markup import join, tag
from popgym.pages.saving import Form, save_figure
from popgym.runs.files import write_text

FORMS: tuple[Form, ...] = ("png", "svg")


def write_page(found: Sequence[Inspection], folder: str | Path) -> list[Path]:
    """Write ``inspect.html`` and the figures as PNG and SVG into a folder, which is created.

    Args:
        found: What was found of one or several policies, with different names.
        folder: The folder.

    Returns:
        The path of the page.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in drawings(found).items():
        drawn = draw()
        for form in FORMS:
            save_figure(drawn, folder / f"{name}.{form}", form)
    write_text(folder / PAGE, page(found))
    return [folder / PAGE]


def page(found: Sequence[Inspection]) -> str:
    """Return the whole page."""
    figures = charts(found)
    names = ", ".join(each.name for each in found)
    notes = [(each.name, note) for each in found for note in each.all_notes]
    cautions = [tag("li", f"{name}: {note}") for name, note in notes]
    head = join(
        [
            *(tag("p", verdict, class_="verdict") for verdict in verdicts(found)),
            tag("ul", *cautions, class_="cautions") if cautions else "",
        ]
    )
    return frame.page(
        f"Does it remember? {names}",
        head,
        sections(found, figures),
        {"figures": list(figures.values())},
    )
