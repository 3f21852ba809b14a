"""An animation of somebody who plays an environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium as gym

from popgym.core.arguments import whole_number
from popgym.play.actors import Actor, player_actor, policy_actor, random_actor
from popgym.play.animation import FASTEST, SLOWEST, Animation
from popgym.play.recording import made_of_family, record
from popgym.play.references import published
from popgym.players import find_player, players_of
from popgym.runs.environment import make_one
from popgym.runs.names import environment_of_run
from popgym.runs.source import Env, source_of

FEW = 8
"""Pictures per second where an environment says nothing."""


@dataclass(frozen=True)
class Gif:
    """An animation that was written."""

    path: Path
    frames: int
    """How many pictures it has."""
    returns: list[float]
    """The sum of rewards of each episode, as far as it is shown."""
    cut: bool
    """Whether it ends before the last episode does."""


def make_gif(
    env: str,
    run: str | Path | None = None,
    player: str | None = None,
    *,
    env_options: Mapping[str, Any] | None = None,
    episodes: int = 1,
    seed: int = 0,
    reveal: bool = False,
    fps: float | None = None,
    steps: int = 500,
    out: str | Path | None = None,
) -> Gif:
    """Plays episodes and writes them as a GIF, whole or not at all.

    Args:
        env: The environment's name, a Gymnasium id or module:Class.
        run: A run folder: its policy plays, in the run's wrappers, and by the run's environment
            settings where the environment is the run's.
        player: Who plays where there is no run: a name of `popgym.players.players_of(env)`, or
            "random"; None: the best.
        env_options: Arguments of the environment's constructor.
        episodes: How many episodes.
        seed: Of the first episode and of the player's dice.
        reveal: Whether to show what is hidden from players.
        fps: Pictures per second, from 1 to 50; None: as the environment says.
        steps: The most steps to show in all.
        out: The file; None: ENV-PLAYER.gif.

    Raises:
        ValueError: There is no such environment, run or player, or another value is wrong.
        ModuleNotFoundError: Pillow is not installed; the message says how to install it.
    """
    episodes, steps = whole_number("episodes", episodes, 1), whole_number("steps", steps, 1)
    if run is not None and player is not None:
        raise ValueError(f"give a run or a player, not both: {run} and {player}")
    options = dict(env_options or {})
    cast = cast_player(env, player, options, seed) if run is None else cast_run(env, run, options)
    try:
        path = writable(out if out is not None else f"{name_of(cast.env, env)}-{cast.who}.gif")
        animation = Animation(fps if fps is not None else usual_fps(cast.env))
        returns, taken = dict[int, float](), 0
        for frame in record(cast.env, cast.actor, episodes, seed, reveal):
            animation.add(frame.picture, frame.over)
            returns[frame.episode] = frame.score
            taken += frame.step > 0
            if taken == steps:
                break
    finally:
        cast.env.close()
    animation.write(path)
    cut = not frame.over or frame.episode < episodes - 1
    return Gif(path, len(animation), list(returns.values()), cut)


class Cast(NamedTuple):
    """Who plays what."""

    env: gym.Env
    actor: Actor
    who: str
    """A name for files."""


def cast_run(env: str, run: str | Path, options: dict[str, Any]) -> Cast:
    """The policy of a run, in its environment or in another one with the same spaces."""
    from popgym.runs.folder import RunFolder

    folder = RunFolder.open(run)
    settings = folder.settings
    environment = make_showing(*environment_of_run(settings, env, options))
    actor = policy_actor(folder.policy(), environment)
    return Cast(environment, actor, settings.memory.rpartition(":")[2])


def cast_player(env: str, player: str | None, options: dict[str, Any], seed: int) -> Cast:
    """A scripted player, or chance; what wrappers do concerns neither."""
    environment = make_showing(env, options)
    if player == "random":
        return Cast(environment, random_actor(environment, seed), player)
    inner: Any = environment.unwrapped
    entry = published(inner)
    if entry is None:
        raise ValueError(f"nobody is known to play {env}: give a RUN, or --player random")
    found = find_player(entry.name, player or "best")
    name = next(name for name, each in players_of(entry.name).items() if each is found)
    return Cast(inner, player_actor(found(inner.family, 1, seed), inner), name)


def make_showing(env: Env, options: dict[str, Any], wrappers: Sequence[str] = ()) -> gym.Env:
    """An environment that can be asked for pictures."""
    environment = make_one(env, options, wrappers)
    if made_of_family(environment):
        return environment
    environment.close()
    try:
        return make_one(env, options, wrappers, render_mode="rgb_array")
    except ValueError as error:
        raise ValueError(
            f"environment {source_of(env).name!r} draws no pictures: {error}"
        ) from error


def name_of(environment: gym.Env, asked: str) -> str:
    """A short name for files."""
    if made_of_family(environment):
        return type(environment.unwrapped).__name__
    return asked.rpartition(":")[2].replace("/", "-")


def usual_fps(environment: gym.Env) -> float:
    """As many pictures per second as the environment says, within what a GIF can show."""
    return min(max(environment.metadata.get("render_fps") or FEW, SLOWEST), FASTEST)


def writable(path: str | Path) -> Path:
    """A path to write an animation to, checked before anything is played.

    Raises:
        ValueError: Its name or its folder will not do.
    """
    path = Path(path)
    if path.suffix.lower() != ".gif" or path.is_dir():
        raise ValueError(f"an animation is a file whose name ends in .gif, not {path}")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"cannot write to the folder {path.parent}: choose another --out")
    return path
