"""``popgym play`` and ``popgym gif``: environments to play and to watch."""

from __future__ import annotations

import argparse
from typing import Any

from popgym.cli.grammar import add_env_options, command, count, env_options
from popgym.cli.messages import say, say_before_import


def add(commands: Any) -> None:
    """Adds the subcommands to the grammar."""
    play = command(commands, "play", "play an environment in the terminal", _play)
    play.add_argument("env", metavar="ENV", help="one of POPGym's environments, or module:Class")
    play.add_argument("--seed", type=count, help="of the first episode")
    play.add_argument("--cheat", action="store_true", help="show what is hidden from players")
    add_env_options(play)
    gif = command(commands, "gif", "write an animation of an environment", _gif)
    gif.add_argument("env", metavar="ENV", help="name, Gymnasium id or module:Class")
    gif.add_argument("folder", nargs="?", metavar="RUN", help="a run folder, whose policy plays")
    gif.add_argument(
        "--player", metavar="NAME",
        help="who plays where there is no RUN: random, or one that `popgym scores ENV` lists",
    )  # fmt: skip
    gif.add_argument("--episodes", type=count, default=1)
    gif.add_argument("--seed", type=count, default=0, help="of the first episode")
    gif.add_argument("--reveal", action="store_true", help="show what is hidden from players")
    gif.add_argument("--fps", type=float, help="pictures per second, 1 to 50")
    gif.add_argument("--steps", type=count, default=500, help="the most steps to show in all")
    gif.add_argument("--out", metavar="FILE", help="where to write, a name ending in .gif")
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

    names = ("player", "episodes", "seed", "reveal", "fps", "steps", "out")
    chosen = {name: getattr(arguments, name) for name in names}
    options = env_options(arguments)
    if arguments.folder:
        resolve(arguments.env)
        RunFolder.open(arguments.folder)
        say_before_import("torch", "loading PyTorch")
    gif = make_gif(arguments.env, arguments.folder, env_options=options, **chosen)
    if gif.cut:
        say(f"stopped after {arguments.steps} steps; --steps allows more")
    returns = ", ".join(f"{score:+.3f}" for score in gif.returns)
    print(f"{gif.path}: {gif.frames} frames, return {returns}")
    return 0
