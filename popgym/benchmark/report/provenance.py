"""Where the results come from: versions, machine, commands, and settings off the defaults."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from popgym.pages.markup import Cell, Column, Html, join, table, tag
from popgym.pages.words import count, listed

if TYPE_CHECKING:
    import pandas as pd


def provenance(trials: pd.DataFrame, about: Mapping[str, Any]) -> Html:
    """Return the origin of the results as a list and two tables."""
    facts = [("Created", about.get("created")), ("Machine", about.get("machine"))]
    lists = [("Commands", about.get("commands")), ("Folders", about.get("folders"))]
    terms = [
        *((name, tag("span", value)) for name, value in facts if value),
        *((name, _lines(values)) for name, values in lists if values),
    ]
    described = [join([tag("dt", name), tag("dd", content)]) for name, content in terms]
    parts = [tag("dl", *described)] if described else []
    return join([*parts, _settings(trials), _versions(about.get("versions") or {})])


def _lines(values: Iterable[str]) -> Html:
    return tag("ul", *(tag("li", tag("code", value)) for value in values), class_="plain")


def _versions(versions: Mapping[str, Any]) -> Html:
    if not versions:
        return tag("p", "The versions of the packages were not recorded.")
    rows = [[Cell(name), Cell(version)] for name, version in sorted(versions.items())]
    columns = [Column("Package"), Column("Version")]
    return table("Versions of packages", columns, rows, sortable=False, name="versions")


def _settings(trials: pd.DataFrame) -> Html:
    rows = list(differing(trials))
    if not rows:
        return tag("p", "All settings are the defaults.")
    columns = [Column("Setting"), Column("Value"), Column("Trials")]
    cells = [[Cell(tag("code", name)), Cell(tag("code", value)), Cell(who)]
             for name, value, who in rows]  # fmt: skip
    return table("Settings that differ from the defaults", columns, cells, sortable=False,
                 name="settings")  # fmt: skip


def differing(trials: pd.DataFrame) -> Iterable[tuple[str, str, str]]:
    """Yield name, value and trials of each setting that differs from the default."""
    found: dict[tuple[str, str], list[int]] = {}
    for i, text in enumerate(trials["settings"]):
        for item in _flat(text):
            found.setdefault(item, []).append(i)
    for (name, value), places in sorted(found.items()):
        yield name, value, _who(trials, places)


def _flat(text: Any) -> Iterable[tuple[str, str]]:
    """Yield the settings of a trial with nested names joined by dots."""
    try:
        data = json.loads(text)
    except (TypeError, ValueError):
        data = {"unreadable": str(text)} if isinstance(text, str) and text else {}
    waiting = list(data.items()) if isinstance(data, dict) else [("unreadable", data)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict) and value:
            waiting += [(f"{name}.{key}", inner) for key, inner in value.items()]
        else:
            yield name, value if isinstance(value, str) else json.dumps(value)


def _who(trials: pd.DataFrame, places: list[int]) -> str:
    """Return in words which trials have a setting, by their memories and tasks."""
    if len(places) == len(trials):
        return "all"
    mine = trials.iloc[places]
    words = [_named(mine["memory"], trials["memory"], "memories"),
             _named(mine["task"], trials["task"], "tasks")]  # fmt: skip
    return f"{count(len(places), 'trial')}: {', '.join(filter(None, words)) or 'some seeds'}"


def _named(mine: pd.Series, everyone: pd.Series, what: str) -> str:
    names = list(dict.fromkeys(map(str, mine)))
    return "" if len(names) == everyone.nunique() else listed(names, what=what)
