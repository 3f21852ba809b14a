"""Wrappers that append something to each observation, for one environment and for many."""

from copy import deepcopy
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.spaces import Space
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from popgym.core.layout import as_element, element, repeated
from popgym.core.observability import OBS, STATE
from popgym.wrappers.base import POPGymVectorWrapper, POPGymWrapper, change_final

WITH_STATE = {OBS, STATE}
"""The keys of a dict that shows the hidden state beside the observation."""


def extended_space(space: Space, key: str, addition: Space) -> Space:
    """A space with an addition.

    Args:
        space: The space: a Tuple gets one more entry, a Dict one under `key` (or its part
            "obs" is extended, if the other is "state"); others are paired with the addition.
        key: The addition's name in a Dict.
        addition: The space of what is added.

    Raises:
        ValueError: The space is of another kind, or the key is taken.
    """
    if isinstance(space, spaces.Tuple):
        return spaces.Tuple((*space.spaces, addition))
    if isinstance(space, spaces.Dict):
        if set(space.spaces) == WITH_STATE:
            shown = extended_space(space.spaces[OBS], key, addition)
            return spaces.Dict({**space.spaces, OBS: shown})
        if key in space.spaces:
            raise ValueError(f"the observation has a part {key!r} already: {space}")
        return spaces.Dict({**space.spaces, key: addition})
    plain = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
    if isinstance(space, plain):
        return spaces.Tuple((space, addition))
    raise ValueError(
        f"nothing can be appended to observations in {space}; they may be in a Box, Discrete, "
        "MultiDiscrete, MultiBinary, Tuple or Dict"
    )


def extended(space: Space, key: str, observation: Any, value: Any) -> Any:
    """An observation, single or batched, with a value appended as in `extended_space`."""
    if isinstance(space, spaces.Tuple):
        return (*observation, value)
    if isinstance(space, spaces.Dict):
        if set(space.spaces) == WITH_STATE:
            shown = extended(space.spaces[OBS], key, observation[OBS], value)
            return {**observation, OBS: shown}
        return {**observation, key: value}
    return (observation, value)


class Extension(POPGymWrapper):
    """Appends a value to each observation of an environment.

    Args:
        env: The environment.
        key: The value's name, should the observation be a Dict.
        addition: The value's space.
        start: The value at an episode's start.
    """

    def __init__(self, env: gymnasium.Env, key: str, addition: Space, start: Any) -> None:
        super().__init__(env)
        self.observation_space = extended_space(env.observation_space, key, addition)
        self.key, self.start = key, as_element(addition, start)

    def value_after(self, action: Any) -> Any:
        """The value in the observation that follows an action."""
        raise NotImplementedError

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Begins an episode; see the environment."""
        observation, info = self.env.reset(**kwargs)
        value = deepcopy(self.start)
        return extended(self.env.observation_space, self.key, observation, value), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Plays one action; see the environment."""
        given = deepcopy(action)  # an environment may write into it
        observation, *results = self.env.step(action)
        value = self.value_after(given)
        return (extended(self.env.observation_space, self.key, observation, value), *results)


class VectorExtension(POPGymVectorWrapper):
    """Appends a value to each observation of a vector environment, in every autoreset mode.

    Args:
        env: The vector environment.
        key: The value's name, should the observations be Dicts.
        addition: The value's space, for a single environment.
        start: The value at an episode's start, for a single environment.
    """

    def __init__(self, env: VectorEnv, key: str, addition: Space, start: Any) -> None:
        super().__init__(env)
        single = extended_space(env.single_observation_space, key, addition)
        self.single_observation_space = single
        self.observation_space = batch_space(single, env.num_envs)
        self.key, self.addition = key, addition
        self.autoreset_mode = env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        self._start = repeated(addition, start, env.num_envs)
        self._value = self._start
        self._over = np.zeros(env.num_envs, bool)

    def values_after(self, actions: Any) -> Any:
        """The batched value in the observations that follow batched actions."""
        raise NotImplementedError

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begins episodes; see the environment."""
        mask = (options or {}).get("reset_mask", True)
        observations, info = self.env.reset(seed=seed, options=options)
        began = np.broadcast_to(mask, self._over.shape)
        self._value = choose(began, self._start, self._value)
        self._over = self._over & ~began
        return self._extend(observations, self._value), info

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Plays one action in each environment; see the environment."""
        given = deepcopy(actions)  # an environment may write into them
        observations, rewards, terminated, truncated, info = self.env.step(actions)
        values, over = self.values_after(given), terminated | truncated
        began = np.zeros_like(over)
        if self.autoreset_mode == AutoresetMode.NEXT_STEP:
            began = self._over
        elif self.autoreset_mode == AutoresetMode.SAME_STEP:
            began = over
        info = change_final(info, partial(self._extend_final, values))
        self._value, self._over = choose(began, self._start, values), over
        return self._extend(observations, self._value), rewards, terminated, truncated, info

    def _extend(self, observations: Any, values: Any) -> Any:
        return extended(self.env.observation_space, self.key, observations, deepcopy(values))

    def _extend_final(self, values: Any, index: int, observation: Any) -> Any:
        value = element(self.addition, values, index)
        return extended(self.env.single_observation_space, self.key, observation, value)

    def snapshot(self) -> dict[str, Any]:
        """Everything that decides how the environments carry on, for an exact checkpoint."""
        inner = self.env.snapshot()  # type: ignore[attr-defined]
        return deepcopy({"env": inner, "value": self._value, "over": self._over})

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Takes the environments back to a snapshot; see the environment."""
        self.env.restore(snapshot["env"])  # type: ignore[attr-defined]
        self._value, self._over = deepcopy((snapshot["value"], snapshot["over"]))


def choose(mask: np.ndarray, chosen: Any, other: Any) -> Any:
    """Batched values: those of `chosen` where the mask [B] is True, those of `other` elsewhere."""
    if isinstance(chosen, tuple):
        return tuple(choose(mask, a, b) for a, b in zip(chosen, other, strict=True))
    if isinstance(chosen, dict):
        return {key: choose(mask, chosen[key], other[key]) for key in chosen}
    return np.where(mask.reshape(-1, *[1] * (np.ndim(chosen) - 1)), chosen, other)
