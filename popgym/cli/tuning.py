"""``popgym tune``: searching for the settings with which a memory learns a task best."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import Any

from popgym.cli.allocator import keep_freed_memory
from popgym.cli.grammar import add_trust, command, count
from popgym.cli.messages import print_wrapped, say_before_import
from popgym.cli.tables import print_table

_EPILOG = """\
examples:
  popgym tune RepeatPreviousEasy --memory frameconv --trials 20 --steps 2e5
  popgym tune RepeatPreviousMedium --memory lru --search lr=1e-4..3e-3
  popgym tune CartPole-v1 --memory gru --search gae_lambda=0.8,0.9,0.95 --set epochs=5
  popgym tune RepeatPreviousEasy --memory frameconv --dry-run

LOW..HIGH is drawn log-uniformly, in whole numbers if both ends are whole. Values are separated by
commas. Settings joined by a colon are drawn together: --search rollout:num_envs=32:64,64:32. Trials
that do worse than others after a ninth or a third of their steps are ended early (ASHA).

The same command again goes on where it was interrupted. With more --trials it adds trials.
"""
_SHOWN = 5  # trials in the table at the end


def add(commands: Any) -> None:
    """Add the subcommand to the parser."""
    from popgym.benchmark.tuning.defaults import TRIALS

    added = command(
        commands, "tune", "search for the settings with which a memory learns a task best", _tune,
        _EPILOG,
    )  # fmt: skip
    option = added.add_argument
    option("env", metavar="ENV", help="POPGym environment, Gymnasium id or module:Class")
    option("--memory", metavar="NAME", help="memory model, or module:Class")
    option("--trials", type=count, default=TRIALS, help="number of trials (default: %(default)s)")
    option("--steps", type=count, help="environment steps of the longest trial")
    option("--seed", type=count, help="seed of what is drawn, and of all trials")
    option(
        "--search", action="append", default=[], metavar="KEY=WHAT", dest="dimensions",
        help="also search this setting, or search it elsewhere: lr=1e-4..3e-3 or "
        "gae_lambda=0.8,0.9; may be repeated",
    )  # fmt: skip
    option(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="assignments",
        help="fix any setting for all trials, such as epochs=5; may be repeated",
    )  # fmt: skip
    option("--out", metavar="DIR", help="folder (default: runs/tune-ENV-MEMORY)")
    option("--jobs", type=count, help="trials at the same time (default: one for each core)")
    option("--gpus", type=float, default=0.0, help="share of a GPU for each trial (default: 0)")
    option("--dry-run", action="store_true", help="only list what is searched")
    add_trust(added)


def _tune(arguments: argparse.Namespace) -> int:
    keep_freed_memory()
    from popgym.benchmark.tuning.request import Request
    from popgym.benchmark.tuning.spaces import described
    from popgym.benchmark.tuning.store import asked

    request = Request.of(arguments.env, **_given(arguments))
    if arguments.dry_run:
        print_table(described(request.space))
        print(f"{request.trials} trials of at most {request.steps:,} steps")
        return 0
    with asked(arguments.out, request, shlex.join(["popgym", *sys.argv[1:]])) as folder:
        return _run(folder, arguments)


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what the user gave, as arguments of ``Request.of``."""
    from popgym.benchmark.tuning.dimension import parse_search
    from popgym.runs.settings import Settings
    from popgym.runs.settings_given import parse_assignments

    names = ("memory", "trials", "steps", "seed")
    given = {name: getattr(arguments, name) for name in names}
    return {
        "memory": Settings.memory,
        **{name: value for name, value in given.items() if value is not None},
        "settings": parse_assignments(arguments.assignments),
        "search": parse_search(arguments.dimensions),
    }


def _run(folder: Any, arguments: argparse.Namespace) -> int:
    from popgym.benchmark.store import DONE
    from popgym.benchmark.tuning.best import scored

    complete = True
    if any(trial.status() != DONE for trial in folder.trials()):
        complete = _search(folder, arguments)
    status = _report(folder, scored(folder))
    if not complete:
        print("interrupted; the same command again goes on")
        return 130
    return status


def _search(folder: Any, arguments: argparse.Namespace) -> bool:
    say_before_import("ray", "starting Ray")
    from popgym.benchmark.tuning.display import TuneDisplay
    from popgym.benchmark.tuning.running import run_search

    return run_search(
        folder, TuneDisplay, jobs=arguments.jobs, gpus=arguments.gpus, trust=arguments.trust
    )


def _report(folder: Any, found: Any) -> int:
    """Print how the trials ended, and the best of them; return the exit status."""
    from popgym.benchmark.store import DONE, FAILED
    from popgym.benchmark.tuning.best import CAUTION, best, write_best

    done = [one for one in found if one.status == DONE]
    early = sum(one.early for one in done)
    print(f"{len(done)} of {len(found)} trials done in {folder.path}, {early} of them ended early")
    for one in found:
        if one.status == FAILED:
            print(f"failed: trial {one.trial.name}: {one.trial.error()}")
    winner = best(folder)
    if winner is not None:
        print_table([_cells(one) for one in done[:_SHOWN]])
        path = write_best(folder, winner)
        print(f"best settings: {path}")
        print_wrapped(CAUTION)
        seed = folder.request.seed + 1
        print(f"train with them: popgym train --config {path} --seed {seed}")
    return 0 if len(done) == len(found) else 1


def _cells(one: Any) -> dict[str, str]:
    values = (f"{key}={_shown(value)}" for key, value in one.values.items() if value is not None)
    return {
        "trial": one.trial.name,
        "score": "" if one.score is None else f"{one.score:.3f}",
        "steps": f"{one.steps:,}" + (" (early)" if one.early else ""),
        "settings": ", ".join(values),
    }


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
