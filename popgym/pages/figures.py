"""Descriptions of figures, which ``figures.js`` draws in the colours of the page.

A page's data lists them under ``figures``. ``frame.figure(name, ...)`` makes the place of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Numbers = Any
"""A list or an array of numbers; NaN is drawn as a gap."""


def line(
    name: str, x: Numbers, y: Numbers, low: Numbers | None = None, high: Numbers | None = None,
    *, series: int = 0, points: bool = False, hover: str = "%{y:.3f} at %{x}",
) -> dict[str, Any]:  # fmt: skip
    """Return a line with a band, or points with error bars.

    Args:
        name: Its name in the key; "" has none.
        x: Where.
        y: The values.
        low: Lower bounds of the values.
        high: Upper bounds.
        series: Its colour and dashes; from 10 on the line is dashed, from 20 on dotted.
        points: Whether to draw points with error bars instead of a band.
        hover: What the pointer shows, as plotly's ``hovertemplate``.
    """
    kind = "points" if points else "line"
    bounds = {} if low is None else {"low": _plain(low), "high": _plain(high)}
    return {
        "kind": kind, "name": name, "series": series, "x": _plain(x), "y": _plain(y), **bounds,
        "hover": hover,
    }  # fmt: skip


def heat(x: Numbers, y: Numbers, z: Numbers, bar: str, hover: str) -> dict[str, Any]:
    """Return a heat map.

    Args:
        x: The places of the columns.
        y: The places of the rows.
        z: The values, [rows, columns], at least 0.
        bar: The title of the scale.
        hover: As in ``line``.
    """
    values = {"x": _plain(x), "y": _plain(y), "z": _plain(z)}
    return {"kind": "heat", **values, "bar": bar, "hover": hover}


def axis(title: str, **more: Any) -> dict[str, Any]:
    """Return an axis; ``more`` are plotly's options, such as ``type="log"``."""
    return {"title": title, "more": more}


def described(
    name: str, traces: Sequence[dict[str, Any]], x: dict[str, Any], y: dict[str, Any],
    lines: Sequence[tuple[float, str]] = (),
) -> dict[str, Any]:  # fmt: skip
    """Return a figure.

    Args:
        name: As in ``frame.figure``.
        traces: Results of ``line`` and ``heat``.
        x: The horizontal axis.
        y: The vertical one.
        lines: Heights of dotted lines across the figure, with their names.
    """
    shown = [{"y": height, "text": text, "side": "bottom"} for height, text in lines]
    return {"name": name, "traces": list(traces), "x": x, "y": y, "lines": shown}


def _plain(values: Any) -> list[Any]:
    return values.tolist() if hasattr(values, "tolist") else list(values)
