"""Base classes of wrappers that append a value to each observation."""

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
"""The keys of a Dict observation that contains both the observation and the hidden state."""


def extended_space(space: Space, key: str, addition: Space) -> Space:
    """Return an observation space extended by the space of an appended value.

    A Tuple gets one more entry. A Dict gets one more entry under ``key``; if its keys are "obs"
    and "state", its "obs" part is extended instead. Any other space becomes a Tuple of itself and
    the added space.

    Args:
        space: The observation space.
        key: The name of the value in a Dict.
        addition: The space of the appended value.

    Raises:
        ValueError: If nothing can be appended to this kind of space, or the key already exists.
    """
    if isinstance(space, spaces.Tuple):
        return spaces.Tuple((*space.spaces, addition))
    if isinstance(space, spaces.Dict):
        if set(space.spaces) == WITH_STATE:
            shown = extended_space(space.spaces[OBS], key, addition)
            return spaces.Dict({**space.spaces, OBS: shown})
        if key in space.spaces:
            raise ValueError(
                f"the observation space already has a part {key!r}; rename it: {space}"
            )
        return spaces.Dict({**space.spaces, key: addition})
    plain = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
    if isinstance(space, plain):
        return spaces.Tuple((space, addition))
    raise ValueError(
        f"cannot append to observations of {space}; their space must be a Box, Discrete, "
        "MultiDiscrete, MultiBinary, Tuple or Dict"
    )


def extended(space: Space, key: str, observation: Any, value: Any) -> Any:
    """Return a single or batched observation with a value appended, as in ``extended_space``."""
    if isinstance(space, spaces.Tuple):
        return (*observation, value)
    if isinstance(space, spaces.Dict):
        if set(space.spaces) == WITH_STATE:
            shown = extended(space.spaces[OBS], key, observation[OBS], value)
            return {**observation, OBS: shown}
        return {**observation, key: value}
    return (observation, value)


class Extension(POPGymWrapper):
    """Wrapper that appends a value to each observation of a single environment.

    Args:
        env: The environment.
        key: The name of the value if the observation is a Dict.
        addition: The space of the value.
        start: The value in the first observation of an episode.
    """

    def __init__(self, env: gymnasium.Env, key: str, addition: Space, start: Any) -> None:
        super().__init__(env)
        self.observation_space = extended_space(env.observation_space, key, addition)
        self.key, self.start = key, as_element(addition, start)

    def value_after(self, action: Any) -> Any:
        """Return the value to append to the observation after an action."""
        raise NotImplementedError

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; see the wrapped environment."""
        observation, info = self.env.reset(**kwargs)
        value = deepcopy(self.start)
        return extended(self.env.observation_space, self.key, observation, value), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Play one action; see the wrapped environment."""
        given = deepcopy(action)  # the environment might modify it
        observation, *results = self.env.step(action)
        value = self.value_after(given)
        return (extended(self.env.observation_space, self.key, observation, value), *results)


class VectorExtension(POPGymVectorWrapper):
    """Wrapper that appends a value to each observation of a vector environment.

    It works in every autoreset mode.

    Args:
        env: The vector environment.
        key: The name of the value if the observations are Dicts.
        addition: The space of a single environment's value.
        start: A single environment's value in the first observation of an episode.
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
        """Return the batched values to append to the observations after batched actions."""
        raise NotImplementedError

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin episodes; see the wrapped environment."""
        mask = (options or {}).get("reset_mask", True)
        observations, info = self.env.reset(seed=seed, options=options)
        began = np.broadcast_to(mask, self._over.shape)
        self._value = choose(began, self._start, self._value)
        self._over = self._over & ~began
        return self._extend(observations, self._value), info

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Play one action in each environment; see the wrapped environment."""
        given = deepcopy(actions)  # the environment might modify them
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
        """Return all that determines the environments' future, for an exact checkpoint."""
        inner = self.env.snapshot()  # type: ignore[attr-defined]
        return deepcopy({"env": inner, "value": self._value, "over": self._over})

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Restore the state returned by ``snapshot``; see the wrapped environment."""
        self.env.restore(snapshot["env"])  # type: ignore[attr-defined]
        self._value, self._over = deepcopy((snapshot["value"], snapshot["over"]))


def choose(mask: np.ndarray, chosen: Any, other: Any) -> Any:
    """Return the rows of ``chosen`` where the mask [B] is True, else those of ``other``."""
    if isinstance(chosen, tuple):
        return tuple(choose(mask, a, b) for a, b in zip(chosen, other, strict=True))
    if isinstance(chosen, dict):
        return {key: choose(mask, chosen[key], other[key]) for key in chosen}
    return np.where(mask.reshape(-1, *[1] * (np.ndim(chosen) - 1)), chosen, other)
