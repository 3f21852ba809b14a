"""``popgym report`` and ``popgym compare``: what the runs of benchmarks say."""

from __future__ import annotations

import argparse
from typing import Any

from popgym.cli.grammar import command
from popgym.cli.messages import print_wrapped
from popgym.cli.searches import has_search, report_search
from popgym.cli.tables import print_table


def add(commands: Any) -> None:
    """Add the subcommands to the parser."""
    _add_report(commands)
    _add_compare(commands)


def _add_report(commands: Any) -> None:
    report = command(commands, "report", "write a page about the results of benchmarks", _report)
    option = report.add_argument
    option("folders", nargs="+", metavar="FOLDER", help="folder of a benchmark, or of a search")
    option("--out", metavar="FILE", help="page to write (default: report.html in the first FOLDER)")
    option("--png", metavar="DIR", help="also write the figures as PNG files")
    option("--svg", metavar="DIR", help="also write the figures as SVG files")
    option("--markdown", metavar="FILE", help="also write the table of scores as Markdown")
    option("--latex", metavar="FILE", help="also write the table of scores as LaTeX")
    option("--csv", metavar="FILE", help="also write the table of trials as CSV")
    option("--parquet", metavar="FILE", help="also write the table of trials as Parquet")


def _add_compare(commands: Any) -> None:
    from popgym.benchmark.scores import SCORES

    compare = command(
        commands, "compare", "say whether the difference of two memories is chance", _compare
    )
    for name in ("first", "second"):
        compare.add_argument(
            name, metavar="A" if name == "first" else "B",
            help="run folder, folder of a benchmark with one memory, or FOLDER:MEMORY",
        )  # fmt: skip
    compare.add_argument(
        "--score", choices=SCORES, default=SCORES[0],
        help="which score of `popgym.benchmark.read` (default: %(default)s)",
    )  # fmt: skip


def _compare(arguments: argparse.Namespace) -> int:
    from popgym.benchmark.compare import compare, side_of

    sides = [side_of(text, arguments.score) for text in (arguments.first, arguments.second)]
    found = compare(*sides)
    print_table([_cells(each) for each in found.tasks])
    print_wrapped(found.sentence)
    return 0


def _cells(each: Any) -> dict[str, str]:
    d = each.difference
    interval = "" if d.low != d.low else f" [{d.low:+.3f}, {d.high:+.3f}]"  # NaN: one seed
    return {
        "task": each.task,
        "first": f"{each.a:.3f}",
        "second": f"{each.b:.3f}",
        "seeds": " and ".join(map(str, each.seeds)),
        "difference": f"{d.value:+.3f}{interval}",
        "verdict": each.verdict,
    }


def _report(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    if any(map(has_search, arguments.folders)):
        return report_search(arguments)
    from popgym.benchmark.reading import results
    from popgym.benchmark.report import (
        latex_table,
        markdown_table,
        write_figures,
        write_page,
    )

    found = results(*arguments.folders)
    out = Path(arguments.out or Path(arguments.folders[0]) / "report.html")
    print(f"page: {write_page(found, out)}")
    for form in ("png", "svg"):
        if getattr(arguments, form):
            for path in write_figures(found, Path(getattr(arguments, form)), form):
                print(f"figure: {path}")
    writers = {
        "markdown": lambda path: path.write_text(markdown_table(found), encoding="utf-8"),
        "latex": lambda path: path.write_text(latex_table(found), encoding="utf-8"),
        "csv": lambda path: found.trials.to_csv(path, index=False),
        "parquet": lambda path: found.trials.to_parquet(path, index=False),
    }
    for name, write in writers.items():
        if getattr(arguments, name):
            write(Path(getattr(arguments, name)))
            print(f"table: {getattr(arguments, name)}")
    return 0
