"""``popgym play`` and ``popgym gif``: environments to play and to watch."""

from __future__ import annotations

import argparse
from typing import Any

from popgym.cli.grammar import add_env_options, command, count, env_options


def add(commands: Any) -> None:
    """Adds the subcommands to the grammar."""
    play = command(commands, "play", "play an environment in the terminal", _play)
    play.add_argument("env", metavar="ENV", help="one of POPGym's environments, or module:Class")
    play.add_argument("--seed", type=count, help="of the first episode")
    play.add_argument("--cheat", action="store_true", help="show what is hidden from players")
    add_env_options(play)


def _play(arguments: argparse.Namespace) -> int:
    from popgym.play import Game, play, references
    from popgym.runs.environment import make_one

    env: Any = make_one(arguments.env, env_options(arguments)).unwrapped
    return play(Game(env, arguments.seed, arguments.cheat, references(env)))
