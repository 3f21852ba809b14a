"""``popgym envs`` and ``popgym scores``: tables of what there is."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from popgym.cli.grammar import command

_INDENT, _SOME_WORDS = 4, 20


def add(commands: Any) -> None:
    """Adds the subcommands to the grammar."""
    command(commands, "envs", "list the environments", _envs)
    scores = command(commands, "scores", "list what reference players score", _scores)
    scores.add_argument("env", metavar="ENV", help="one of POPGym's environments")


def _envs(arguments: argparse.Namespace) -> int:
    from popgym.envs import table

    print_table(table())
    return 0


def _scores(arguments: argparse.Namespace) -> int:
    from popgym.envs import reference_scores

    scores = reference_scores(arguments.env)
    if not scores:
        raise ValueError(f"no scores of {arguments.env} are known")
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
    """Prints the rows in columns as wide as their longest entry, or as a terminal allows."""
    from popgym.render.text import columns_of

    header = list(rows[0])
    cells = [header, *([str(row[name]) for name in header] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(header))]
    columns = columns_of(sys.stdout)
    for line in cells:
        print(*lines_of(line, widths, columns), sep="\n")


def lines_of(cells: Sequence[str], widths: Sequence[int], columns: int | None) -> Iterator[str]:
    """The lines of a row: one, or several where they would be longer than ``columns``.

    What is left of a line is enough for a column that is no wider or has room for some words, which
    go on below it; else the row goes on in the next line.
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
