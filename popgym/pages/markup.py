"""Builds HTML in which every string from outside is escaped."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

_TALL = 25  # rows; a longer table scrolls under its header
_VOID = ("input", "meta", "br")


class Html(str):
    """Text that is markup already, and is not escaped again."""

    __slots__ = ()


def escape(content: Any) -> Html:
    """Return content as markup; ``Html`` stays as it is."""
    return content if isinstance(content, Html) else Html(html.escape(str(content)))


def join(parts: Iterable[Any], between: str = "") -> Html:
    """Return parts after one another, each escaped."""
    return Html(between.join(map(escape, parts)))


def tag(name: str, /, *content: Any, **attributes: Any) -> Html:
    """Return an element.

    Args:
        name: Such as ``td``.
        content: What is in it; strings are escaped.
        attributes: ``class_`` stands for class, and ``data_key`` for data-key. None is left out.
    """
    text = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    end = "" if name in _VOID else f"</{name}>"
    return Html(f"<{name}{text}>{join(content)}{end}")


def script_json(name: str, data: Any) -> Html:
    """Return a script element with data, in which no string can end the script.

    Args:
        name: The element's id.
        data: What JSON can hold; NaN becomes null.
    """
    text = json.dumps(_without_nan(data), separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Html(f'<script type="application/json" id="{html.escape(name)}">{text}</script>')


def _without_nan(data: Any) -> Any:
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, dict):
        return {key: _without_nan(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_without_nan(value) for value in data]
    return data


def breakable(name: str) -> Html:
    """Return a name that a narrow column may break between its parts: RepeatPreviousEasy, a/b."""
    return join(re.split(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[/_-])", name), "<wbr>")


class Cell(NamedTuple):
    """A cell of a table."""

    content: Any
    key: float | str | None = None
    """What the column is sorted by. None means the content; NaN is last in both directions."""
    kind: str = ""
    """Classes of CSS, such as ``number``."""
    title: str | None = None


class Column(NamedTuple):
    """A column of a table."""

    title: str
    kind: str = ""
    note: str | None = None
    """What the column means, shown when the pointer rests on it and read by screen readers."""
    order: str | None = None
    """``ascending`` or ``descending`` if the rows come in the order of this column."""


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[Cell]],
          *, sortable: bool = True, name: str | None = None) -> Html:  # fmt: skip
    """Return a table in a region of its own, which scrolls where the window is too narrow.

    Args:
        caption: What the table shows.
        columns: Its columns. The first is the header of its row.
        rows: The cells of each row.
        sortable: Whether a click on a column sorts the rows.
        name: The table's id.
    """
    head = tag("thead", tag("tr", *(_header(column, sortable) for column in columns)))
    body_rows = [_row(row) for row in rows]
    body = tag("tbody", join(body_rows, "\n"))
    kind = "sortable" if sortable else None
    tall = "scroll tall-table" if len(body_rows) > _TALL else "scroll"
    whole = tag("table", tag("caption", caption), head, body, class_=kind, id=name)
    return tag("div", whole, class_=tall, role="region", aria_label=caption, tabindex="0")


def _header(column: Column, sortable: bool) -> Html:
    inside = tag("button", column.title, type="button") if sortable else escape(column.title)
    return tag("th", inside, scope="col", class_=column.kind or None, title=column.note,
               aria_sort=(column.order or "none") if sortable else None)  # fmt: skip


def _row(cells: Sequence[Cell]) -> Html:
    return tag("tr", *(_cell(cell, first=i == 0) for i, cell in enumerate(cells)))


def _cell(cell: Cell, first: bool) -> Html:
    attributes = {"class_": cell.kind or None, "data_key": _key(cell.key), "title": cell.title}
    if first:
        return tag("th", cell.content, scope="row", **attributes)
    return tag("td", cell.content, **attributes)


def _key(key: float | str | None) -> str | None:
    if isinstance(key, float):
        return f"{key:.6g}" if math.isfinite(key) else ""
    return None if key is None else str(key)
