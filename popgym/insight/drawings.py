"""Draws the main figures of an inspection with matplotlib, for papers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from popgym.insight.inspection import Inspection
from popgym.insight.variants import AS_IT_IS, CLEARED
from popgym.runs.curve import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 4.5, 3.0  # inches
_COLOURS = ("#1f6fb4", "#d9601a", "#22884f", "#b8336a", "#7a55c7", "#8a5a2b", "#0e93a0", "#5f6b76")
_INK, _FAINT = "#1c2530", "#7b8794"
_MATTERS = 0.005


def drawings(found: Sequence[Inspection]) -> dict[str, Callable[[], Figure]]:
    """Return functions that draw the figures, by the names of their files.

    Figures of parts that were not measured are left out.
    """
    made: dict[str, Callable[[], Figure]] = {}
    if any(each.effect is not None for each in found):
        made["effect"] = lambda: draw_effect(found)
    for i, each in enumerate(found, 1):
        if each.effect is not None and each.effect.heat_map.size:
            name = "heat_map" if len(found) == 1 else f"heat_map_{i}"
            made[name] = lambda each=each: draw_heat_map(each)  # type: ignore[misc]
    if any(each.worth is not None for each in found):
        made["worth"] = lambda: draw_worth(found)
    if any(each.checkpoints for each in found):
        made["training"] = lambda: draw_training(found)
    return made


def draw_effect(found: Sequence[Inspection]) -> Figure:
    """Draw the effect over the lag, up to the last lag that matters."""
    figure, axes = _figure()
    last = 1
    for each, colour in zip(found, _colours(), strict=False):
        if each.effect is None:
            continue
        value, low, high = each.effect.curves["variation"]
        lags = np.arange(len(value))
        axes.plot(lags, value, color=colour, marker=".", markersize=3, label=_plain(each.name))
        axes.fill_between(lags, low, high, color=colour, alpha=0.15, linewidth=0)
        matters = np.flatnonzero(np.nan_to_num(value) > _MATTERS * np.nanmax(value, initial=0))
        last = max(last, int(matters.max(initial=0)) + 2)
    axes.set(xlabel="lag (steps)", ylabel="effect (total variation)", xlim=(0, last))
    axes.set_ylim(bottom=0)
    _legend(axes, len(found))
    return figure


def draw_heat_map(found: Inspection) -> Figure:
    """Draw the effect by step and replaced step."""
    assert found.effect is not None
    figure, axes = _figure()
    shown, extent = found.effect.heat_map, len(found.effect.heat_map) * found.effect.cell
    image = axes.imshow(
        shown, origin="lower", extent=(0, extent, 0, extent), cmap="viridis", vmin=0,
        aspect="auto", interpolation="nearest",
    )  # fmt: skip
    axes.set(xlabel="step whose observation is replaced", ylabel="step of the action")
    figure.colorbar(image, ax=axes).set_label("effect (total variation)", fontsize=8)
    return figure


def draw_worth(found: Sequence[Inspection]) -> Figure:
    """Draw the return over how often the memory is cleared, beside that without clearing."""
    figure, axes = _figure()
    for each, colour in zip(found, _colours(), strict=False):
        if each.worth is None:
            continue
        cleared = each.worth.of(CLEARED)
        steps = [variant.amount for variant in cleared]
        means = np.array([variant.evaluation.mean for variant in cleared])
        bounds = np.array([variant.evaluation.interval() for variant in cleared])
        errors = np.abs(bounds.T - means)
        axes.errorbar(
            steps, means, errors, color=colour, marker=".", capsize=2, label=_plain(each.name)
        )
        (whole,) = each.worth.of(AS_IT_IS)
        axes.axhline(whole.evaluation.mean, color=colour, linestyle="--", linewidth=1)
    axes.set_xscale("log", base=2)
    axes.set(xlabel="memory cleared every n steps", ylabel="mean return")
    _legend(axes, len(found))
    return figure


def draw_training(found: Sequence[Inspection]) -> Figure:
    """Draw the memory horizon over the steps of training."""
    figure, axes = _figure()
    for each, colour in zip(found, _colours(), strict=False):
        known = [point for point in each.checkpoints if point.found.effect is not None]
        steps = [point.steps for point in known]
        horizons = [point.found.effect.horizon.steps for point in known]  # type: ignore[union-attr]
        axes.plot(steps, horizons, color=colour, marker="o", markersize=3, label=_plain(each.name))
    axes.set(xlabel="steps of training", ylabel="memory horizon (steps)")
    axes.set_ylim(bottom=0)
    _legend(axes, len(found))
    return figure


def _figure() -> tuple[Figure, Any]:
    figure = new_figure(WIDTH, HEIGHT, dpi=200)
    axes = figure.subplots()
    axes.tick_params(labelsize=8, colors=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_FAINT)
    return figure, axes


def _colours() -> Any:
    while True:
        yield from _COLOURS


def _legend(axes: Any, count: int) -> None:
    if count > 1:
        axes.legend(frameon=False, fontsize=7)


def _plain(text: str) -> str:
    """Return text in which matplotlib sees no formula."""
    return text.replace("$", r"\$")
