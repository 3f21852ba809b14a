"""``popgym benchmark``: training a grid of tasks, memories and seeds."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import Any

from popgym.cli.allocator import keep_freed_memory
from popgym.cli.grammar import add_trust, command, count
from popgym.cli.messages import say_before_import

_EPILOG = """\
examples:
  popgym benchmark --memories frameconv,gru,lru --tasks RepeatPreviousEasy,DIAGNOSTIC_EASY
  popgym benchmark --suite smoke --out runs/smoke
  popgym benchmark --suite my_suite.toml --seeds 5 --dry-run

The same command again goes on where it was interrupted. With more seeds, memories or tasks it adds
trials to the folder.
"""


def add(commands: Any) -> None:
    """Add the subcommand to the parser."""
    from popgym.benchmark.suite_file import shipped_suites

    added = command(
        commands, "benchmark", "train a grid of tasks, memories and seeds", _benchmark, _EPILOG
    )
    option = added.add_argument
    option("--suite", metavar="NAME", help=f"{', '.join(shipped_suites())}, or a TOML file")
    option("--memories", type=_names, metavar="A,B", help="memories, separated by commas; or all")
    option("--tasks", type=_names, metavar="A,B", help="environments and groups of popgym.envs")
    option("--seeds", type=_seeds, metavar="N", help="number of seeds, or seeds such as 3,4,5")
    option("--steps", type=count, help="environment steps of each trial")
    option(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="assignments",
        help="any setting, for all trials, such as network.hidden_size=64; may be repeated",
    )  # fmt: skip
    option("--out", metavar="DIR", default="runs/benchmark", help="folder (default: %(default)s)")
    option("--jobs", type=count, help="trials at the same time (default: one for each core)")
    option("--gpus", type=float, default=0.0, help="share of a GPU for each trial (default: 0)")
    add_trust(added)
    option("--dry-run", action="store_true", help="only say what would be done, and how long")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _seeds(text: str) -> int | list[int]:
    if "," in text:
        return [count(part) for part in text.split(",") if part.strip()]
    return count(text)


def _benchmark(arguments: argparse.Namespace) -> int:
    keep_freed_memory()
    from popgym.benchmark.store import BenchmarkFolder
    from popgym.benchmark.suite import suite_of

    data = _suite_data(arguments)
    suite = suite_of(data)
    if arguments.dry_run:
        return _dry_run(suite, arguments.jobs)
    trust = arguments.trust
    with BenchmarkFolder.open_or_create(arguments.out, trust).locked():
        # As the process before left it.
        folder = BenchmarkFolder.open_or_create(arguments.out, trust)
        folder.request(data, shlex.join(["popgym", *sys.argv[1:]]))
        return _run(folder, arguments)


def _suite_data(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the suite that the flags describe: a suite's own values, and those that override."""
    from popgym.benchmark.suite_file import read_suite
    from popgym.runs.settings_given import parse_assignments

    data = read_suite(arguments.suite) if arguments.suite else {}
    for name in ("memories", "tasks", "seeds", "steps"):
        value = getattr(arguments, name)
        if value is not None:
            data[name] = "all" if value == ["all"] else value
    if not data.get("tasks"):
        raise ValueError("name tasks with --tasks, or a suite with --suite")
    if not data.get("memories") and not data.get("contestants"):
        raise ValueError("name memories with --memories, or a suite with --suite")
    if arguments.suite:
        data["overrides"] = list(_remaining(data.get("overrides", []), arguments))
    assigned = parse_assignments(arguments.assignments)
    return data | {"settings": {**data.get("settings", {}), **assigned}}


def _remaining(overrides: Any, arguments: argparse.Namespace) -> Any:
    """Yield a suite's overrides, without the memories and tasks that flags have left out."""
    for override in overrides if isinstance(overrides, list) else []:
        kept = dict(override)
        for key in ("memories", "tasks"):
            chosen = getattr(arguments, key)
            if key in kept and chosen is not None and chosen != ["all"]:
                kept[key] = [name for name in kept[key] if name in chosen]
        if all(kept.get(key, True) for key in ("memories", "tasks")):
            yield kept


def _run(folder: Any, arguments: argparse.Namespace) -> int:
    from popgym.benchmark.display import Display
    from popgym.benchmark.store import DONE, FAILED

    say_before_import("ray", "starting Ray")
    from popgym.benchmark.runner import run_benchmark

    complete = run_benchmark(folder, Display, jobs=arguments.jobs, gpus=arguments.gpus)
    statuses = [(trial, trial.status()) for trial in folder.trials()]
    done = sum(status == DONE for _, status in statuses)
    print(f"{done} of {len(statuses)} trials done in {folder.path}")
    for trial, status in statuses:
        if status == FAILED:
            print(f"failed: {trial.name}: {trial.error()}")
    if not complete:
        print("interrupted; the same command again goes on")
        return 130
    print(f"see the results with: popgym report {folder.path}")
    return 0 if done == len(statuses) else 1


def _dry_run(suite: Any, jobs: int | None) -> int:
    trials = len(suite.tasks) * len(suite.contestants) * len(suite.seeds)
    print(f"tasks ({len(suite.tasks)}): {', '.join(suite.tasks)}")
    print(f"memories ({len(suite.contestants)}): {', '.join(c.label for c in suite.contestants)}")
    print(f"seeds ({len(suite.seeds)}): {', '.join(map(str, suite.seeds))}")
    print(f"{trials} trials of {suite.steps:,} steps")
    say_before_import("ray", "measuring the speed of each memory")
    from popgym.benchmark.calibration import hours

    print(hours(suite, jobs))
    return 0
