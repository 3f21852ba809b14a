"""What command lines may look like, and what subcommands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from popgym.cli.messages import say

EPILOG = """\
examples:
  popgym train RepeatPreviousEasy --memory frameconv
  popgym train CartPole-v1 --memory gru --steps 50000
  popgym train my_envs:MyEnv --memory my_memories:MyMemory --set lr=1e-3
  popgym train --resume runs/RepeatPreviousEasy-frameconv-seed0 --steps 1e6
  popgym evaluate runs/RepeatPreviousEasy-frameconv-seed0
  popgym play MineSweeperEasy
  popgym gif BattleshipEasy
"""


class Subcommands(Protocol):
    """A module with subcommands."""

    def add(self, commands: Any) -> None:
        """Adds them to the grammar."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other message here."""

    def error(self, message: str) -> NoReturn:
        """Ends the process with status 2."""
        say(f"{message}; see {self.prog} --help")
        self.exit(2)


def parser(*modules: Subcommands) -> Parser:
    """The whole grammar, of the modules' subcommands."""
    from popgym import __version__

    whole = Parser(
        prog="popgym",
        description="Partially observable environments and memory models.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"popgym {__version__}")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for module in modules:
        module.add(commands)
    return whole


def command(
    commands: Any,
    name: str,
    text: str,
    run: Callable[[argparse.Namespace], int],
    epilog: str | None = None,
) -> argparse.ArgumentParser:
    """Adds a subcommand.

    Args:
        commands: What the grammar collects subcommands in.
        name: Of the subcommand.
        text: What it does, in a few words.
        run: Does it, and returns the exit status.
        epilog: The end of its help.
    """
    added = commands.add_parser(
        name,
        help=text,
        description=text,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    added.add_argument("--debug", action="store_true", help="show tracebacks")
    added.set_defaults(run=run)
    return added


def count(text: str) -> int:
    """A whole number, also written 5e5 or 500_000."""
    try:
        number = float(text)
        if number != int(number) or number < 0:
            raise ValueError
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number ≥ 0") from None
    return int(number)


def add_env_options(added: argparse.ArgumentParser) -> None:
    """Lets a subcommand that names an environment take arguments of its constructor."""
    added.add_argument(
        "--set", action="append", default=[], metavar="env.KEY=VALUE", dest="assignments",
        help="an argument of the environment: env.k=8",
    )  # fmt: skip


def env_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The arguments of the environment's constructor that were given.

    Raises:
        ValueError: Something else was given.
    """
    from popgym.runs.settings import parse_assignment

    options = {}
    for key, value in map(parse_assignment, arguments.assignments):
        table, _, name = key.partition(".")
        if table != "env" or not name:
            raise ValueError(f"--set takes env.KEY=VALUE here, as in env.k=8; got {key!r}")
        options[name] = value
    return options
