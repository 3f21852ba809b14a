"""Recording of episodes as frames: pictures with the action, reward and return below."""

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
"""Height of the text strip below a picture, in pixels."""


class Frame(NamedTuple):
    """Picture of one step of an episode."""

    picture: np.ndarray
    """The picture, [H, W, 3] uint8."""
    episode: int
    """Index of the episode, counted from 0."""
    step: int
    """Number of steps of the episode so far."""
    score: float
    """Sum of the rewards of the episode so far."""
    over: bool
    """Whether the episode ended with this step."""


def record(
    env: gym.Env, actor: Actor, episodes: int = 1, seed: int = 0, reveal: bool = False
) -> Iterator[Frame]:
    """Play episodes, and yield a frame for each reset and each step.

    Args:
        env: The environment. It must be made of a popgym ``Family``, or its ``render`` must return
            pictures. It may be in wrappers.
        actor: The actor that plays.
        episodes: The number of episodes.
        seed: The seed of the first reset.
        reveal: Whether to show what is hidden from players.
    """
    look, describe = camera(env, reveal), describer(env)
    for episode in range(episodes):
        obs, info = env.reset(seed=seed if episode == 0 else None)
        score, steps, over = 0.0, 0, False
        words = ["step 0", "", "", "return +0.000"]
        yield Frame(captioned(look(), words), episode, steps, score, over)
        while not over:
            action = actor(obs, steps == 0, info)
            obs, reward, terminated, truncated, info = env.step(action)
            score, steps, over = score + float(reward), steps + 1, terminated or truncated
            words = [f"step {steps}", describe(action), f"reward {reward:+.3f}"]
            words.append(f"return {score:+.3f}")
            yield Frame(captioned(look(), words), episode, steps, score, over)


def camera(env: gym.Env, reveal: bool) -> Callable[[], np.ndarray]:
    """Return a function that takes a picture of an environment, [H, W, 3] uint8.

    Raises:
        ValueError: If the environment cannot render pictures.
    """
    inner: Any = env.unwrapped
    if made_of_family(env):
        return lambda: inner.picture(reveal)
    if env.render_mode != "rgb_array":
        raise ValueError(f"{inner} cannot render pictures: it has no render_mode 'rgb_array'")
    return lambda: checked(env.render())


def checked(picture: Any) -> np.ndarray:
    """Return the result of ``render`` as an array, after checking that it is a picture.

    Raises:
        ValueError: If it is not a picture.
    """
    if np.ndim(picture) != 3 or np.shape(picture)[2] != 3:
        raise ValueError(f"render() must return a picture [H, W, 3], got {type(picture).__name__}")
    return np.asarray(picture, np.uint8)


def made_of_family(env: gym.Env) -> bool:
    """Return whether the environment inside the wrappers is made of a popgym ``Family``."""
    return isinstance(env.unwrapped, POPGymEnv) and hasattr(env.unwrapped, "family")


def describer(env: gym.Env) -> Callable[[Any], str]:
    """Return a function that describes an action of an environment in words."""
    inner: Any = env.unwrapped
    if made_of_family(env) and env.action_space == inner.action_space:
        return controls_of(inner.family).describe
    return in_words


def in_words(action: Any) -> str:
    """Return the numbers and texts in an action of any space, in order."""
    if isinstance(action, Mapping):
        return " ".join(in_words(part) for part in action.values())
    if isinstance(action, (tuple, list)):  # an element of a Graph space is a tuple, too
        return " ".join(in_words(part) for part in action)
    if action is None or isinstance(action, str):
        return str(action or "-")
    return " ".join(f"{number:.3g}" for number in np.ravel(action))


def captioned(picture: np.ndarray, words: list[str]) -> np.ndarray:
    """Append a strip with four words below a picture: [H + STRIP, W, 3] uint8."""
    width = picture.shape[1]
    strip = Canvas(width, STRIP)
    size = min(14.0, width / 31)
    places = [(10.0, "lm"), (0.2 * width, "lm"), (0.72 * width, "rm"), (width - 10.0, "rm")]
    for (x, anchor), word, color in zip(places, words, (GREY, INK, INK, INK), strict=True):
        strip.text(x, STRIP / 2, word, size, color, anchor)
    return np.concatenate([picture, strip.array()])
