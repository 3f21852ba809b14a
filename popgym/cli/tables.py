"""``popgym envs`` and ``popgym scores``: tables of what there is."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from popgym.cli.grammar import command


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
        "mean": f"{score.mean:+.3f}",
        "standard error": f"{score.standard_error:.4f}",
        "episodes": score.episodes,
        "how": score.how,
    }


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    """Prints the rows in columns as wide as their longest entry."""
    header = list(rows[0])
    cells = [header, *([str(row[name]) for name in header] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(header))]
    for line in cells:
        print("  ".join(f"{x:<{w}}" for x, w in zip(line, widths, strict=True)).rstrip())
