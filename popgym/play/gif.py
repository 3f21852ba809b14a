"""GIF animations of a policy or a player in an environment."""

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
from popgym.runs.layout import file_name
from popgym.runs.names import environment_of_run
from popgym.runs.source import Env, source_of

FEW = 8
"""Pictures per second if the environment does not specify a rate."""


@dataclass(frozen=True)
class Gif:
    """Result of ``make_gif``: the animation that was written."""

    path: Path
    frames: int
    """Number of pictures."""
    returns: list[float]
    """Return of each episode, up to the last step that is shown."""
    cut: bool
    """Whether the animation ends before the last episode does."""


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
    trust: bool = False,
) -> Gif:
    """Play episodes and write them to a GIF file, atomically.

    Args:
        env: The name of a popgym environment, a Gymnasium id or module:Class.
        run: A run folder, whose policy plays. The environment gets the run's wrappers; if it is
            the environment of the run, it also gets the run's environment settings.
        player: The player if no run is given: a name in ``popgym.players.players_of(env)``, or
            "random"; None: the best player.
        env_options: Arguments of the environment's constructor.
        episodes: The number of episodes.
        seed: The seed of the first episode and of the player's random choices.
        reveal: Whether to show what is hidden from players.
        fps: Pictures per second, from 1 to 50; None: the rate of the environment.
        steps: The maximum number of steps, over all episodes.
        out: The file to write; None: ENV-PLAYER.gif.
        trust: Whether you trust whoever made the run folder, as in ``popgym.evaluate``.

    Returns:
        The path, length and returns of the animation.

    Raises:
        ValueError: If there is no such environment, run or player, or another argument is invalid.
        ModuleNotFoundError: If Pillow is not installed; the message says how to install it.
    """
    episodes, steps = whole_number("episodes", episodes, 1), whole_number("steps", steps, 1)
    if run is not None and player is not None:
        raise ValueError(f"give a run or a player, not both: {run} and {player}")
    options = dict(env_options or {})
    if run is None:
        cast = cast_player(env, player, options, seed)
    else:
        cast = cast_run(env, run, options, trust)
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
    """An environment with the actor that plays in it."""

    env: gym.Env
    actor: Actor
    who: str
    """Name of the actor in file names."""


def cast_run(env: str, run: str | Path, options: dict[str, Any], trust: bool) -> Cast:
    """Return the policy of a run with its environment, or another one with the same spaces."""
    from popgym.runs.folder import RunFolder

    folder = RunFolder.open(run, trust)
    environment = make_showing(*environment_of_run(folder, env, options))
    actor = policy_actor(folder.policy(), environment)
    return Cast(environment, actor, file_name(folder.settings.memory))


def cast_player(env: str, player: str | None, options: dict[str, Any], seed: int) -> Cast:
    """Return a scripted or random player with its environment, which has no wrappers."""
    environment = make_showing(env, options)
    if player == "random":
        return Cast(environment, random_actor(environment, seed), player)
    inner: Any = environment.unwrapped
    entry = published(inner)
    if entry is None:
        raise ValueError(f"there is no scripted player for {env}: give a RUN, or --player random")
    found = find_player(entry.name, player or "best")
    name = next(name for name, each in players_of(entry.name).items() if each is found)
    return Cast(inner, player_actor(found(inner.family, 1, seed), inner), name)


def make_showing(env: Env, options: dict[str, Any], wrappers: Sequence[str] = ()) -> gym.Env:
    """Make an environment that can render pictures.

    Raises:
        ValueError: If it cannot.
    """
    environment = make_one(env, options, wrappers)
    if made_of_family(environment):
        return environment
    environment.close()
    try:
        return make_one(env, options, wrappers, render_mode="rgb_array")
    except ValueError as error:
        raise ValueError(
            f"environment {source_of(env).name!r} cannot render pictures: {error}"
        ) from error


def name_of(environment: gym.Env, asked: str) -> str:
    """Return a short name of the environment for file names."""
    if made_of_family(environment):
        return type(environment.unwrapped).__name__
    return file_name(asked)


def usual_fps(environment: gym.Env) -> float:
    """Return the environment's pictures per second, clipped to what a GIF can show."""
    return min(max(environment.metadata.get("render_fps") or FEW, SLOWEST), FASTEST)


def writable(path: str | Path) -> Path:
    """Return the path of the GIF file, after checking that it can be written.

    Raises:
        ValueError: If the name does not end in .gif or the folder is not writable.
    """
    path = Path(path)
    if path.suffix.lower() != ".gif" or path.is_dir():
        raise ValueError(f"an animation needs a file whose name ends in .gif, not {path}")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"cannot write to the folder {path.parent}: choose another --out")
    return path
