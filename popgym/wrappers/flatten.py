"""Wrappers that flatten nested observations and actions to arrays."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.spaces import Space
from gymnasium.spaces.utils import flatten_space, unflatten
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import batch_space, iterate

from popgym.core.layout import as_element, stacked
from popgym.spaces.flatten import Flattener, follow, leaves
from popgym.wrappers.base import (
    POPGymVectorWrapper,
    POPGymWrapper,
    change_final,
    require_environment,
)


class Flatten(POPGymWrapper, RecordConstructorArgs):
    """Wrapper that flattens Tuple and Dict observations and actions to arrays.

    Observations and actions of other spaces stay as they are. The arrays are those of
    ``gymnasium.spaces.flatten``, with discrete parts one-hot encoded. For a vector environment the
    constructor returns a ``VectorFlatten``.

    Args:
        env: The environment.
        flatten_action: Whether to flatten actions.
        flatten_observation: Whether to flatten observations.

    Raises:
        ValueError: If a part has no fixed size, or the actions mix discrete and continuous parts.
    """

    def __new__(cls, env: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Return the vector wrapper if the environment is a vector environment."""
        require_environment(env)
        if isinstance(env, VectorEnv):
            return VectorFlatten(env, *args, **kwargs)
        return super().__new__(cls)

    def __init__(
        self, env: gymnasium.Env, flatten_action: bool = True, flatten_observation: bool = True
    ) -> None:
        RecordConstructorArgs.__init__(
            self, flatten_action=flatten_action, flatten_observation=flatten_observation
        )
        super().__init__(env)
        self._observation = flattened(env.observation_space) if flatten_observation else None
        self._action = flattened_action(env.action_space) if flatten_action else None
        if self._observation is not None:
            self._flattener = Flattener(env.observation_space)
        self.observation_space = self._observation or env.observation_space
        self.action_space = self._action or env.action_space

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; see the wrapped environment."""
        observation, info = self.env.reset(**kwargs)
        return self._flat(observation), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Play one action; see the wrapped environment."""
        if self._action is not None:
            space = self.env.action_space
            action = as_element(space, unflatten(space, action))
        observation, *results = self.env.step(action)
        return (self._flat(observation), *results)

    def _flat(self, observation: Any) -> Any:
        if self._observation is None:
            return observation
        one = stacked(self.env.observation_space, [observation])
        return self._flattener(one, np.empty((1, self._flattener.size), self._observation.dtype))[0]


class VectorFlatten(POPGymVectorWrapper):
    """Wrapper that flattens batched observations and actions to [num_envs, ...].

    See ``Flatten``.

    Args:
        env: The vector environment.
        flatten_action: Whether to flatten actions.
        flatten_observation: Whether to flatten observations.
    """

    def __init__(
        self, env: VectorEnv, flatten_action: bool = True, flatten_observation: bool = True
    ) -> None:
        super().__init__(env)
        observation, action = env.single_observation_space, env.single_action_space
        self._observation = flattened(observation) if flatten_observation else None
        self._action = flattened_action(action) if flatten_action else None
        if self._observation is not None:
            self._flattener = Flattener(observation)
            self._path = next(leaves(observation))[0]
            self.single_observation_space = self._observation
            self.observation_space = batch_space(self._observation, env.num_envs)
        if self._action is not None:
            self.single_action_space = self._action
            self.action_space = batch_space(self._action, env.num_envs)

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin episodes; see the wrapped environment."""
        observations, info = self.env.reset(seed=seed, options=options)
        return self._flat(observations), info

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Play one action in each environment; see the wrapped environment."""
        if self._action is not None:
            space = self.env.single_action_space
            each = [unflatten(space, action) for action in iterate(self.action_space, actions)]
            actions = as_element(self.env.action_space, stacked(space, each))
        observations, rewards, terminated, truncated, info = self.env.step(actions)
        if self._observation is not None:
            space = self.env.single_observation_space
            info = change_final(
                info, lambda _, observation: self._flat(stacked(space, [observation]))[0]
            )
        return self._flat(observations), rewards, terminated, truncated, info

    def _flat(self, observations: Any) -> Any:
        if self._observation is None:
            return observations
        count = len(follow(self._path, observations))
        rows = np.empty((count, self._flattener.size), self._observation.dtype)
        return self._flattener(observations, rows)


def flattened(space: Space) -> Space | None:
    """Return the space of a nested space's flattened elements; None if it is not nested.

    Raises:
        ValueError: If a part has no fixed size.
    """
    if not isinstance(space, (spaces.Tuple, spaces.Dict)):
        return None
    Flattener(space)  # raises ValueError for parts without a fixed size
    return flatten_space(space)


def flattened_action(space: Space) -> Space | None:
    """Return the same as ``flattened``, but reject actions that cannot be flattened.

    Raises:
        ValueError: If a part has no fixed size, or some parts are discrete and some continuous.
    """
    flat = flattened(space)
    if flat is not None:
        kinds = {np.issubdtype(part.dtype, np.floating) for _, part in leaves(space)}
        if len(kinds) > 1:
            raise ValueError(
                f"actions that mix discrete and continuous parts cannot be flattened, got {space}; "
                "keep them nested with flatten_action=False"
            )
    return flat
