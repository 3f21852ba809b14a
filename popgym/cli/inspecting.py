"""``popgym inspect``: does a trained agent remember, and how far back?"""

from __future__ import annotations

import argparse
from typing import Any

from popgym.cli.grammar import add_env_options, add_trust, command, count, env_options
from popgym.cli.messages import Status, print_wrapped, say_before_import

_EPILOG = """\
examples:
  popgym inspect runs/RepeatPreviousEasy-gru-seed0
  popgym inspect runs/A runs/B runs/C --out comparison
  popgym inspect runs/A --checkpoints
  popgym inspect runs/A --parts effect,worth --max-lag 100
"""


def add(commands: Any) -> None:
    """Add the subcommand to the parser."""
    added = command(
        commands, "inspect", "measure whether an agent remembers, and how far back", _inspect,
        _EPILOG,
    )  # fmt: skip
    option = added.add_argument
    option("runs", nargs="+", metavar="RUN", help="run folder; several are compared")
    option("--out", metavar="DIR", help="where to write (default: inspection/ in each RUN)")
    option("--checkpoints", action="store_true", help="also the policies kept during training")
    option("--parts", metavar="A,B", help="effect, worth, probes, saliency, reach (default: all)")
    option("--episodes", type=count, help="recorded episodes (default: 32)")
    option("--worth-episodes", type=count, help="episodes for each disturbance (default: 64)")
    option("--max-steps", type=count, help="where longer episodes are cut (default: 1000)")
    option("--max-lag", type=count, help="the largest lag to look at (default: whole episodes)")
    option("--seed", type=count, help="seed of the episodes (default: 1)")
    option("--greedy", action="store_true", help="take the most probable actions, do not sample")
    option("--env", help="inspect in another environment with the same spaces")
    add_trust(added)
    add_env_options(added)


def _inspect(arguments: argparse.Namespace) -> int:
    from popgym.runs.folder import RunFolder
    from popgym.runs.names import environment_of_run

    options = env_options(arguments)
    for run in arguments.runs:
        environment_of_run(RunFolder.open(run, arguments.trust), arguments.env, options)
    say_before_import("torch", "loading PyTorch")
    from popgym.insight.summary import summary
    from popgym.insight.writing import inspect_runs

    names = ("episodes", "worth_episodes", "max_steps", "max_lag", "seed")
    chosen = {name: getattr(arguments, name) for name in names}
    given = {name: value for name, value in chosen.items() if value is not None}
    if arguments.parts:
        given["parts"] = [part.strip() for part in arguments.parts.split(",") if part.strip()]
    say = Status()
    inspected = inspect_runs(
        arguments.runs, arguments.out, checkpoints=arguments.checkpoints, env=arguments.env,
        env_options=options, deterministic=arguments.greedy, progress=say,
        trust=arguments.trust, **given,
    )  # fmt: skip
    say.clear()
    for found in inspected.found:
        print_wrapped(summary(found))
    for path in inspected.paths:
        print(f"{'page' if path.suffix == '.html' else 'numbers'}: {path}")
    return 0
