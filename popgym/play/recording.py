"""Episodes as frames: pictures of an environment with what was done and earned below."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np

from popgym.core.env import POPGymEnv
from popgym.play.actors import Actor
from popgym.play.controls import controls_of
from popgym.render.canvas import Canvas
from popgym.render.palette import GREY, INK

STRIP = 30
"""The height of the text below a picture, in pixels."""


class Frame(NamedTuple):
    """What is seen at one moment."""

    picture: np.ndarray
    """[H, W, 3] uint8."""
    episode: int
    """Counted from 0."""
    step: int
    """How many steps of the episode were played."""
    score: float
    """The rewards of the episode so far."""
    over: bool
    """Whether the episode ends here."""


def record(
    env: gym.Env, actor: Actor, episodes: int = 1, seed: int = 0, reveal: bool = False
) -> Iterator[Frame]:
    """Plays episodes, one frame for each beginning and each step.

    Args:
        env: The environment: made of a popgym Family, in wrappers or not, or any other whose
            `render` returns pictures.
        actor: Who plays.
        episodes: How many.
        seed: Of the first reset.
        reveal: Whether to show what is hidden from players.
    """
    look, describe = camera(env, reveal), describer(env)
    for episode in range(episodes):
        obs, _ = env.reset(seed=seed if episode == 0 else None)
        score, steps, over = 0.0, 0, False
        words = ["step 0", "", "", "return +0.000"]
        yield Frame(captioned(look(), words), episode, steps, score, over)
        while not over:
            action = actor(obs, steps == 0)
            obs, reward, terminated, truncated, _ = env.step(action)
            score, steps, over = score + float(reward), steps + 1, terminated or truncated
            words = [f"step {steps}", describe(action), f"reward {reward:+.3f}"]
            words.append(f"return {score:+.3f}")
            yield Frame(captioned(look(), words), episode, steps, score, over)


def camera(env: gym.Env, reveal: bool) -> Callable[[], np.ndarray]:
    """What takes pictures, [H, W, 3] uint8, of an environment.

    Raises:
        ValueError: It draws none.
    """
    inner: Any = env.unwrapped
    if made_of_family(env):
        return lambda: inner.picture(reveal)
    if env.render_mode != "rgb_array":
        raise ValueError(f"{inner} draws no pictures: it has no render_mode 'rgb_array'")
    return lambda: checked(env.render())


def checked(picture: Any) -> np.ndarray:
    """What an environment drew, if it is a picture.

    Raises:
        ValueError: It is none.
    """
    if np.ndim(picture) != 3 or np.shape(picture)[2] != 3:
        raise ValueError(f"render() must give a picture [H, W, 3], got {type(picture).__name__}")
    return np.asarray(picture, np.uint8)


def made_of_family(env: gym.Env) -> bool:
    """Whether it is, within its wrappers, an environment that a popgym Family describes."""
    return isinstance(env.unwrapped, POPGymEnv) and hasattr(env.unwrapped, "family")


def describer(env: gym.Env) -> Callable[[Any], str]:
    """What puts actions of an environment into words."""
    inner: Any = env.unwrapped
    if made_of_family(env) and env.action_space == inner.action_space:
        return controls_of(inner.family).describe
    return in_words


def in_words(action: Any) -> str:
    """The numbers and texts of an action of any kind, in order."""
    if isinstance(action, Mapping):
        return " ".join(in_words(part) for part in action.values())
    if isinstance(action, (tuple, list)):  # a Graph's too
        return " ".join(in_words(part) for part in action)
    if action is None or isinstance(action, str):
        return str(action or "-")
    return " ".join(f"{number:.3g}" for number in np.ravel(action))


def captioned(picture: np.ndarray, words: list[str]) -> np.ndarray:
    """A picture with a strip of four words below, each in its place: [H + STRIP, W, 3] uint8."""
    width = picture.shape[1]
    strip = Canvas(width, STRIP)
    size = min(14.0, width / 31)
    places = [(10.0, "lm"), (0.2 * width, "lm"), (0.72 * width, "rm"), (width - 10.0, "rm")]
    for (x, anchor), word, color in zip(places, words, (GREY, INK, INK, INK), strict=True):
        strip.text(x, STRIP / 2, word, size, color, anchor)
    return np.concatenate([picture, strip.array()])
