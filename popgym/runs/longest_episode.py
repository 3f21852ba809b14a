"""How long an environment's episodes can be, as far as it tells."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import gymnasium as gym
from gymnasium.wrappers import TimeLimit

from popgym.wrappers.base import inner


def longest_episode(env: gym.Env) -> int | None:
    """Return the most steps that an episode of ``env`` can have; None where nothing tells.

    That is the least of ``max_episode_length``, which popgym's environments have, and the limits
    of Gymnasium's ``TimeLimit`` wrappers, which `gymnasium.make` adds; or else
    ``spec.max_episode_steps``.
    """
    told: list[Any] = [inner(env, "max_episode_length", None)]
    layer = env
    while isinstance(layer, gym.Wrapper):
        if isinstance(layer, TimeLimit):
            told.append(layer._max_episode_steps)
        layer = layer.env
    return _least(told) or _least([getattr(layer.spec, "max_episode_steps", None)])


def _least(told: list[Any]) -> int | None:
    numbers = [int(n) for n in told if isinstance(n, Integral) and not isinstance(n, bool)]
    return min((n for n in numbers if n >= 1), default=None)
