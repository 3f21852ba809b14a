"""``popgym play`` and ``popgym gif``: playing environments, and writing animations."""

from __future__ import annotations

import argparse
from typing import Any

from popgym.cli.grammar import add_env_options, add_trust, command, count, env_options
from popgym.cli.messages import say, say_before_import


def add(commands: Any) -> None:
    """Add the subcommands to the parser."""
    play = command(commands, "play", "play an environment yourself in the terminal", _play)
    play.add_argument("env", metavar="ENV", help="POPGym environment, or module:Class")
    play.add_argument(
        "--seed", type=count, help="seed of the first episode (default: a random one)"
    )
    play.add_argument("--cheat", action="store_true", help="also show the hidden state")
    add_env_options(play)
    gif = command(commands, "gif", "write a GIF animation of an agent in an environment", _gif)
    gif.add_argument("env", metavar="ENV", help="POPGym environment, Gymnasium id or module:Class")
    gif.add_argument("folder", nargs="?", metavar="RUN", help="run folder; its policy plays")
    gif.add_argument(
        "--player", metavar="NAME",
        help="player if no RUN is given: random, or one that `popgym scores ENV` lists "
        "(default: the best one)",
    )  # fmt: skip
    gif.add_argument(
        "--episodes", type=count, default=1, help="number of episodes (default: %(default)s)"
    )
    gif.add_argument(
        "--seed",
        type=count,
        default=0,
        help="seed of the first episode and of the player (default: %(default)s)",
    )
    gif.add_argument("--reveal", action="store_true", help="also show the hidden state")
    gif.add_argument("--fps", type=float, help="pictures per second, from 1 to 50")
    gif.add_argument(
        "--steps",
        type=count,
        default=500,
        help="maximum number of steps, over all episodes (default: %(default)s)",
    )
    gif.add_argument(
        "--out", metavar="FILE", help="file to write, NAME.gif (default: ENV-PLAYER.gif)"
    )
    add_trust(gif)
    add_env_options(gif)


def _play(arguments: argparse.Namespace) -> int:
    from popgym.play import Game, play, references
    from popgym.runs.environment import make_one

    env: Any = make_one(arguments.env, env_options(arguments)).unwrapped
    return play(Game(env, arguments.seed, arguments.cheat, references(env)))


def _gif(arguments: argparse.Namespace) -> int:
    from popgym.play import make_gif
    from popgym.runs.folder import RunFolder
    from popgym.runs.names import resolve

    names = ("player", "episodes", "seed", "reveal", "fps", "steps", "out", "trust")
    chosen = {name: getattr(arguments, name) for name in names}
    options = env_options(arguments)
    if arguments.folder:
        resolve(arguments.env)
        RunFolder.open(arguments.folder, arguments.trust)
        say_before_import("torch", "loading PyTorch")
    gif = make_gif(arguments.env, arguments.folder, env_options=options, **chosen)
    if gif.cut:
        say(f"stopped after {arguments.steps} steps; raise --steps to show more")
    returns = ", ".join(f"{score:+.3f}" for score in gif.returns)
    print(f"{gif.path}: {gif.frames} frames, return {returns}")
    return 0
