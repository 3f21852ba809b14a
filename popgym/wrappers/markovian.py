"""Wrappers that add the hidden state to the observation, or replace the observation by it."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import batch_space, create_empty_array

from popgym.core.layout import element
from popgym.core.observability import OBS, STATE, Observability
from popgym.wrappers.base import (
    POPGymVectorWrapper,
    POPGymWrapper,
    change_final,
    inner,
    require_environment,
)
from popgym.wrappers.extension import choose

NEEDED = ("state_space", "get_state")
NEEDED_OF_MANY = (*NEEDED, "single_state_space", "get_final_state")


class Markovian(POPGymWrapper, RecordConstructorArgs):
    """Wrapper that shows the hidden Markov state, which makes a task fully observable.

    For a vector environment the constructor returns a ``VectorMarkovian``.

    Args:
        env: The environment.
        observability: A level of ``Observability`` or its number: ``PARTIAL`` (the state is not
            shown), ``FULL_IN_INFO_DICT`` (the state is in ``info["state"]``), ``FULL`` (the state
            is the observation) or ``FULL_AND_PARTIAL`` (the observation is
            ``{"obs": the partial observation, "state": the state}``).

    Raises:
        ValueError: If there is no such level, or the environment has no hidden state.
    """

    def __new__(cls, env: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Return the vector wrapper if the environment is a vector environment."""
        require_environment(env)
        if isinstance(env, VectorEnv):
            return VectorMarkovian(env, *args, **kwargs)
        return super().__new__(cls)

    def __init__(self, env: gymnasium.Env, observability: Observability | int) -> None:
        self.observability = read_level(observability)
        RecordConstructorArgs.__init__(self, observability=int(self.observability))
        super().__init__(env)
        require(env, NEEDED)
        self.observation_space = shown_space(
            self.observability, env.observation_space, self.state_space
        )

    @property
    def observability_level(self) -> Observability:
        """How much of the hidden state the agent sees."""
        return self.observability

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; see the wrapped environment."""
        return self._show(*self.env.reset(**kwargs))

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Play one action; see the wrapped environment."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        observation, info = self._show(observation, info)
        return observation, reward, terminated, truncated, info

    def _show(self, observation: Any, info: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        if self.observability is Observability.PARTIAL:
            return observation, info
        state = self.get_state()
        if self.observability is Observability.FULL_IN_INFO_DICT:
            return observation, {**info, STATE: state}
        return shown(self.observability, observation, state), info


class VectorMarkovian(POPGymVectorWrapper):
    """Wrapper that shows the hidden Markov states of a vector environment; see ``Markovian``.

    It works in every autoreset mode. At level ``FULL_IN_INFO_DICT``, ``info["state"]`` contains
    the states of all environments, an element of ``state_space``, and ``info["_state"]`` is
    gymnasium's mask. When an episode ends in autoreset mode SameStep, ``info["final_info"]``
    contains the final states in the same form, with zeros for the other environments.

    Args:
        env: The vector environment.
        observability: How much of the state to show.

    Raises:
        ValueError: If there is no such level, or the environments have no hidden state.
    """

    def __init__(self, env: VectorEnv, observability: Observability | int) -> None:
        self.observability = read_level(observability)
        super().__init__(env)
        require(env, NEEDED_OF_MANY)
        single = shown_space(
            self.observability, env.single_observation_space, self.single_state_space
        )
        self.single_observation_space = single
        self.observation_space = batch_space(single, env.num_envs)

    @property
    def observability_level(self) -> Observability:
        """How much of the hidden state the agent sees."""
        return self.observability

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin episodes; see the wrapped environment."""
        return self._show(*self.env.reset(seed=seed, options=options))

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Play one action in each environment; see the wrapped environment."""
        observations, rewards, terminated, truncated, info = self.env.step(actions)
        if "final_obs" in info:
            info = self._show_final(info)
        observations, info = self._show(observations, info)
        return observations, rewards, terminated, truncated, info

    def _show(self, observations: Any, info: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        if self.observability is Observability.PARTIAL:
            return observations, info
        states = self.get_state()
        if self.observability is Observability.FULL_IN_INFO_DICT:
            told = {STATE: states, f"_{STATE}": np.ones(self.num_envs, bool)}
            return observations, {**info, **told}
        return shown(self.observability, observations, states), info

    def _show_final(self, info: dict[str, Any]) -> dict[str, Any]:
        if self.observability is Observability.PARTIAL:
            return info
        states = self.get_final_state()
        if self.observability is Observability.FULL_IN_INFO_DICT:
            over = info["_final_obs"]
            zeros = create_empty_array(self.single_state_space, self.num_envs)
            told = {STATE: choose(over, states, zeros), f"_{STATE}": over.copy()}
            return {**info, "final_info": {**info["final_info"], **told}}
        return change_final(
            info,
            lambda i, observation: shown(
                self.observability, observation, element(self.single_state_space, states, i)
            ),
        )


def read_level(observability: Any) -> Observability:
    """Return the level of observability for a level or its number.

    Raises:
        ValueError: If there is no such level.
    """
    try:
        return Observability(observability)
    except ValueError:
        levels = ", ".join(f"{level.name} ({level.value})" for level in Observability)
        raise ValueError(
            f"observability must be a level of popgym.core.observability.Observability: {levels}; "
            f"got {observability!r}"
        ) from None


def require(env: Any, names: tuple[str, ...]) -> None:
    """Reject environments without a hidden state.

    Raises:
        ValueError: If one of the attributes is missing.
    """
    missing = [name for name in names if inner(env, name, None) is None]
    if missing:
        each = "; wrap each environment before vectorising them" * isinstance(env, VectorEnv)
        raise ValueError(
            f"only POPGym's environments can show their hidden state; {env} "
            f"lacks {', '.join(missing)}{each}"
        )


def shown_space(
    observability: Observability, observation: spaces.Space, state: spaces.Space
) -> spaces.Space:
    """Return the space of the values that ``shown`` returns."""
    space = shown(observability, observation, state)
    return spaces.Dict(space) if isinstance(space, dict) else space


def shown(observability: Observability, observation: Any, state: Any) -> Any:
    """Return the single or batched observation at a level of observability."""
    if observability is Observability.FULL:
        return state
    if observability is Observability.FULL_AND_PARTIAL:
        return {OBS: observation, STATE: state}
    return observation
