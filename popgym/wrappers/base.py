"""Wrappers that pass on what a task tells of itself; the base of all others."""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Space
from gymnasium.vector import VectorWrapper

from popgym.core.observability import Observability


def inner(env: Any, name: str, *default: Any) -> Any:
    """An attribute of an environment, or of the outermost one within it that has such a one.

    Raises:
        AttributeError: None has it, and no default is given.
    """
    while not hasattr(env, name) and hasattr(env, "env"):
        env = env.env
    return getattr(env, name, *default)


class Passing:
    """What the wrappers of one environment and of many pass on."""

    env: Any
    _state_space: Space | None = None

    @property
    def state_space(self) -> Space:
        """The space of what `get_state` returns."""
        return inner(self.env, "state_space") if self._state_space is None else self._state_space

    @state_space.setter
    def state_space(self, space: Space) -> None:
        self._state_space = space

    @property
    def max_episode_length(self) -> int:
        """The most steps that an episode can have."""
        return inner(self.env, "max_episode_length")

    @property
    def obs_requires_prev_action(self) -> bool:
        """Whether an agent must yet be shown its previous action to play well."""
        return inner(self.env, "obs_requires_prev_action", False)

    @property
    def observability_level(self) -> Observability:
        """How much of the hidden state is shown."""
        return inner(self.env, "observability_level", Observability.PARTIAL)

    def get_state(self) -> Any:
        """The hidden Markov state, an element of `state_space`."""
        return inner(self.env, "get_state")()


class POPGymWrapper(Passing, gymnasium.Wrapper):
    """A wrapper of one environment with the attributes of `POPGymEnv`.

    Args:
        env: The environment.
    """


class POPGymVectorWrapper(Passing, VectorWrapper):
    """A wrapper of a vector environment with the attributes of `POPGymVectorEnv`.

    Args:
        env: The vector environment.
    """

    @property
    def single_state_space(self) -> Space:
        """The space of one environment's state."""
        return inner(self.env, "single_state_space")

    def get_final_state(self) -> Any:
        """The states at the ends of episodes; see `POPGymVectorEnv`."""
        return inner(self.env, "get_final_state")()

    def snapshot(self) -> dict[str, Any]:
        """Everything that decides how the environments carry on, for an exact checkpoint."""
        return self.env.snapshot()

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Takes the environments back to a snapshot; see the environment."""
        self.env.restore(snapshot)


def change_final(info: dict[str, Any], change: Callable[[int, Any], Any]) -> dict[str, Any]:
    """The info of a vector environment with its last observations changed, if there are any.

    Args:
        info: As `step` returns it; stays as it is.
        change: Makes of an environment's index and its last observation another one.
    """
    if "final_obs" not in info:
        return info
    final_obs = info["final_obs"].copy()
    for i in np.flatnonzero(info["_final_obs"]).tolist():
        final_obs[i] = change(i, final_obs[i])
    return {**info, "final_obs": final_obs}
