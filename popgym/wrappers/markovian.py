"""Observations that show the hidden state: in place of what a player sees, or beside it."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import batch_space, create_empty_array

from popgym.core.layout import element
from popgym.core.observability import OBS, STATE, Observability
from popgym.wrappers.base import POPGymVectorWrapper, POPGymWrapper, change_final, inner
from popgym.wrappers.extension import choose

NEEDED = ("state_space", "get_state")
NEEDED_OF_MANY = (*NEEDED, "single_state_space", "get_final_state")


class Markovian(POPGymWrapper, RecordConstructorArgs):
    """Shows the hidden Markov state, with which a task is fully observable.

    Given a vector environment, makes a `VectorMarkovian`.

    Args:
        env: The environment.
        observability: What to show: `Observability.PARTIAL` (nothing), `FULL_IN_INFO_DICT` (the
            state in `info["state"]`), `FULL` (the state as observation) or `FULL_AND_PARTIAL`
            (observations {"obs": what a player sees, "state": the state}); or its number.

    Raises:
        ValueError: There is no such level, or the environment has no hidden state.
    """

    def __new__(cls, env: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Chooses the vector form for a vector environment."""
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
        """How much of the hidden state is shown."""
        return self.observability

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Begins an episode; see the environment."""
        return self._show(*self.env.reset(**kwargs))

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Plays one action; see the environment."""
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
    """Shows the hidden Markov states in every autoreset mode; see `Markovian`.

    In `info` are the states of all environments, an element of `state_space`, and gymnasium's
    mask `_state`; where an episode ended in mode SameStep, the states at the end are in
    `info["final_info"]` likewise, zeros in other places.

    Args:
        env: The vector environment.
        observability: What to show.

    Raises:
        ValueError: There is no such level, or the environments tell no hidden states.
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
        """How much of the hidden state is shown."""
        return self.observability

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begins episodes; see the environment."""
        return self._show(*self.env.reset(seed=seed, options=options))

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Plays one action in each environment; see the environment."""
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
    """The level of observability.

    Raises:
        ValueError: There is no such level.
    """
    try:
        return Observability(observability)
    except ValueError:
        levels = ", ".join(f"{level.name} ({level.value})" for level in Observability)
        raise ValueError(
            f"observability must be one of popgym.core.observability.Observability's {levels}; "
            f"got {observability!r}"
        ) from None


def require(env: Any, names: tuple[str, ...]) -> None:
    """Refuses environments that tell no hidden state.

    Raises:
        ValueError: One of the attributes is missing.
    """
    missing = [name for name in names if inner(env, name, None) is None]
    if missing:
        each = "; wrap each environment before they are put together" * isinstance(env, VectorEnv)
        raise ValueError(
            f"the hidden state can be shown only of POPGym's environments, {env} "
            f"lacks {', '.join(missing)}{each}"
        )


def shown_space(
    observability: Observability, observation: spaces.Space, state: spaces.Space
) -> spaces.Space:
    """The space of `shown`."""
    space = shown(observability, observation, state)
    return spaces.Dict(space) if isinstance(space, dict) else space


def shown(observability: Observability, observation: Any, state: Any) -> Any:
    """What is observed at a level, single or batched."""
    if observability is Observability.FULL:
        return state
    if observability is Observability.FULL_AND_PARTIAL:
        return {OBS: observation, STATE: state}
    return observation
