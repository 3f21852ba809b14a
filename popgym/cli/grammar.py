"""The argument parser, and the parts that subcommands share."""

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
    """Interface of a module that defines subcommands."""

    def add(self, commands: Any) -> None:
        """Add the subcommands to the parser."""


class Parser(argparse.ArgumentParser):
    """Argument parser that prints a mistake in one line, as all messages of the command."""

    def error(self, message: str) -> NoReturn:
        """Print the mistake and exit with status 2."""
        say(f"{message}; see {self.prog} --help")
        self.exit(2)


def parser(*modules: Subcommands) -> Parser:
    """Build the parser with the subcommands of the modules."""
    from popgym import __version__

    whole = Parser(
        prog="popgym",
        description="Partially observable environments and memory models for RL.",
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
    """Add a subcommand.

    Args:
        commands: The subparsers object to add it to.
        name: The name of the subcommand.
        text: What the subcommand does, in a few words.
        run: Function that runs the subcommand and returns the exit status.
        epilog: The last paragraph of its help.

    Returns:
        The parser of the subcommand.
    """
    added = commands.add_parser(
        name,
        help=text,
        description=text,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    added.add_argument("--debug", action="store_true", help="show the traceback of an error")
    added.set_defaults(run=run)
    return added


def count(text: str) -> int:
    """Parse a whole number of at least 0, which may be written as 5e5 or 500_000.

    Raises:
        argparse.ArgumentTypeError: If the text is not such a number.
    """
    try:
        number = float(text)
        if number != int(number) or number < 0:
            raise ValueError
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0") from None
    return int(number)


def add_env_options(added: argparse.ArgumentParser) -> None:
    """Add the option ``--set env.KEY=VALUE`` for arguments of the environment's constructor."""
    added.add_argument(
        "--set", action="append", default=[], metavar="env.KEY=VALUE", dest="assignments",
        help="argument of the environment's constructor, such as env.k=8; may be repeated",
    )  # fmt: skip


def add_trust(added: argparse.ArgumentParser) -> None:
    """Add the option ``--trust`` for folders whose files name or contain code."""
    added.add_argument(
        "--trust", action="store_true",
        help="run the code that the folder's files name or contain; give it only if you know who "
        "made the folder",
    )  # fmt: skip


def env_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of the environment's constructor that the user gave with --set.

    Raises:
        ValueError: If a key does not start with "env.".
    """
    from popgym.runs.settings_given import parse_assignments

    options = {}
    for key, value in parse_assignments(arguments.assignments).items():
        table, _, name = key.partition(".")
        if table != "env" or not name:
            raise ValueError(f"--set takes env.KEY=VALUE here, such as env.k=8; got {key!r}")
        options[name] = value
    return options
