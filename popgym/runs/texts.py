"""Leaves out the parts of observations that are text, such as MiniGrid's missions."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from popgym.spaces.flatten import observation_name
from popgym.spaces.texts import drop_texts, text_paths, without_texts


class WithoutTexts(gym.ObservationWrapper):
    """Wrapper that drops the parts of a Dict or Tuple observation that are text.

    Args:
        env: An environment whose observations have other parts too.
    """

    def __init__(self, env: gym.Env) -> None:
        super().__init__(env)
        observation_space = without_texts(env.observation_space)
        assert observation_space is not None
        self.observation_space = observation_space
        self.left_out = [observation_name(path) for path in text_paths(env.observation_space)]

    def observation(self, observation: Any) -> Any:
        """Return an observation without its texts."""
        return drop_texts(self.env.observation_space, observation)


def leave_out_texts(env: gym.Env) -> gym.Env:
    """Wrap an environment if its observations have texts besides other parts."""
    space = env.observation_space
    if not isinstance(space, (gym.spaces.Dict, gym.spaces.Tuple)) or not text_paths(space):
        return env
    return env if without_texts(space) is None else WithoutTexts(env)
