"""Finds the largest number of steps in an episode, if the environment states it."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import gymnasium as gym
from gymnasium.wrappers import TimeLimit

from popgym.wrappers.base import inner


def longest_episode(env: gym.Env) -> int | None:
    """Return the largest number of steps in an episode of ``env``, or None if it is unknown.

    This is the minimum of ``max_episode_length``, which popgym's environments have, and the limits
    of Gymnasium's ``TimeLimit`` wrappers, which ``gymnasium.make`` adds. If there are none, it is
    ``spec.max_episode_steps``.
    """
    limits: list[Any] = [inner(env, "max_episode_length", None)]
    layer = env
    while isinstance(layer, gym.Wrapper):
        if isinstance(layer, TimeLimit):
            limits.append(layer._max_episode_steps)
        layer = layer.env
    return _least(limits) or _least([getattr(layer.spec, "max_episode_steps", None)])


def _least(limits: list[Any]) -> int | None:
    numbers = [int(n) for n in limits if isinstance(n, Integral) and not isinstance(n, bool)]
    return min((n for n in numbers if n >= 1), default=None)
