"""``popgym envs`` and ``popgym scores``: tables of environments and reference scores."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from popgym.cli.grammar import command

_INDENT, _SOME_WORDS = 4, 20


def add(commands: Any) -> None:
    """Add the subcommands to the parser."""
    envs = command(commands, "envs", "list the environments, or describe one", _envs)
    envs.add_argument("env", nargs="?", metavar="ENV", help="describe this POPGym environment")
    scores = command(
        commands, "scores", "list the mean returns of reference players in an environment", _scores
    )
    scores.add_argument("env", metavar="ENV", help="POPGym environment")


def _envs(arguments: argparse.Namespace) -> int:
    from popgym.envs import table

    if arguments.env:
        return _describe(arguments.env)
    # The ids would make every row longer than a terminal. ``popgym envs ENV`` tells them.
    print_table([{name: row[name] for name in row if name != "id"} for row in table()])
    return 0


def _describe(env: str) -> int:
    """Print what is known about one environment, a line each."""
    from popgym.envs.registry import ENTRIES, find, memory_needed, row
    from popgym.envs.scores import reference_scores

    entry = find(env)
    task, facts = entry.task(), row(entry)
    levels = [each for each in ENTRIES.values() if each.family is entry.family]
    needed, scores = memory_needed(env), reference_scores(env) or {}
    lines = {
        **{name: facts[name] for name in facts if name != "id"},
        "ids": ", ".join(dict.fromkeys(each.id for each in levels if each.level == entry.level)),
        "arguments": ", ".join(f"{name}={value!r}" for name, value in entry.arguments.items()),
        "hidden draw": "; ".join(f"{key}: {each.describe()}" for key, each in task.hidden.items()),
        "memory": "" if needed is None else f"steps back that perfect play must see: {needed}",
        "scores": ", ".join(f"{player} {score.mean:+.3f}" for player, score in scores.items()),
    }
    for name, value in lines.items():
        if value != "":
            print_table_line(name, str(value))
    return 0


def print_table_line(name: str, value: str) -> None:
    """Print a name and its value, which is wrapped beside it."""
    from popgym.render.text import columns_of

    print(*lines_of((f"{name}:", value), (12, len(value)), columns_of(sys.stdout)), sep="\n")


def _scores(arguments: argparse.Namespace) -> int:
    from popgym.envs import reference_scores

    scores = reference_scores(arguments.env)
    if not scores:
        raise ValueError(f"there are no reference scores for {arguments.env}")
    print_table([{"player": name, **_cells(score)} for name, score in scores.items()])
    return 0


def _cells(score: Any) -> dict[str, Any]:
    return {
        "mean return": f"{score.mean:+.3f}",
        "standard error": f"{score.standard_error:.4f}",
        "episodes": score.episodes,
        "how": score.how,
    }


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    """Print a table; columns are as wide as their longest entry if the terminal is wide enough."""
    from popgym.render.text import columns_of

    header = list(rows[0])
    cells = [header, *([str(row[name]) for name in header] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(header))]
    columns = columns_of(sys.stdout)
    for line in cells:
        print(*lines_of(line, widths, columns), sep="\n")


def lines_of(cells: Sequence[str], widths: Sequence[int], columns: int | None) -> Iterator[str]:
    """Yield the lines of one table row: several if one would be longer than ``columns``.

    A cell stays on the current line if the rest of the line has room for its column or for some
    words; the remaining words are wrapped below it. Otherwise the cell starts a new, indented line.

    Args:
        cells: The texts of the row.
        widths: The widths of the table's columns.
        columns: The width of the terminal; None: unlimited.
    """
    from popgym.render.text import wrapped

    line, end = "", columns or sum(widths) + 2 * len(widths)
    for cell, width in zip(cells, widths, strict=True):
        if line.strip() and len(line) + min(width, _SOME_WORDS) > end:
            yield line.rstrip()
            line = " " * _INDENT
        at = len(line)
        first, *rest = wrapped(cell, end - at).split("\n")
        line += f"{first:<{width}}  "
        if at + width > end:
            yield line.rstrip()
            yield from (" " * at + more for more in rest)
            line = " " * _INDENT
    if line.strip():
        yield line.rstrip()
