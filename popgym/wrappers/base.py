"""Base classes of all wrappers; they forward the attributes of popgym environments."""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Space
from gymnasium.vector import VectorEnv, VectorWrapper

from popgym.core.observability import Observability


def inner(env: Any, name: str, *default: Any) -> Any:
    """Return an attribute of an environment, or of the outermost wrapped one that has it.

    Args:
        env: The environment, possibly in wrappers.
        name: The name of the attribute.
        default: The value to return if no environment has the attribute.

    Raises:
        AttributeError: If no environment has the attribute and no default is given.
    """
    while not hasattr(env, name) and hasattr(env, "env"):
        env = env.env
    return getattr(env, name, *default)


def require_environment(env: Any) -> None:
    """Check that what a wrapper gets is an environment; None is what ``copy`` and ``pickle`` give.

    Raises:
        TypeError: If it is something else, for example the class of an environment.
    """
    if env is None or isinstance(env, (gymnasium.Env, VectorEnv)):
        return
    if isinstance(env, type):
        raise TypeError(
            f"a wrapper takes an environment, got the class {env.__name__}: make one, as in "
            f"{env.__name__}()"
        )
    raise TypeError(f"a wrapper takes an environment, got {env!r}")


class Passing:
    """Attributes that every wrapper forwards to the environment that it wraps."""

    env: Any
    _state_space: Space | None = None

    @property
    def state_space(self) -> Space:
        """The space of the state that ``get_state`` returns."""
        return inner(self.env, "state_space") if self._state_space is None else self._state_space

    @state_space.setter
    def state_space(self, space: Space) -> None:
        self._state_space = space

    @property
    def max_episode_length(self) -> int:
        """The maximum number of steps in an episode."""
        return inner(self.env, "max_episode_length")

    @property
    def obs_requires_prev_action(self) -> bool:
        """Whether a good policy needs the previous action, which observations do not show."""
        return inner(self.env, "obs_requires_prev_action", False)

    @property
    def observability_level(self) -> Observability:
        """How much of the hidden state the agent sees."""
        return inner(self.env, "observability_level", Observability.PARTIAL)

    def get_state(self) -> Any:
        """Return the hidden Markov state, an element of ``state_space``."""
        return inner(self.env, "get_state")()


class POPGymWrapper(Passing, gymnasium.Wrapper):
    """Wrapper of a single environment with the attributes of ``POPGymEnv``.

    Args:
        env: The environment.
    """


class POPGymVectorWrapper(Passing, VectorWrapper):
    """Wrapper of a vector environment with the attributes of ``POPGymVectorEnv``.

    Args:
        env: The vector environment.
    """

    @property
    def single_state_space(self) -> Space:
        """The state space of a single environment."""
        return inner(self.env, "single_state_space")

    def get_final_state(self) -> Any:
        """Return the states at the ends of episodes; see ``POPGymVectorEnv``."""
        return inner(self.env, "get_final_state")()

    def snapshot(self) -> dict[str, Any]:
        """Return all that determines the environments' future, for an exact checkpoint."""
        return self.env.snapshot()

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Restore the state returned by ``snapshot``; see the wrapped environment."""
        self.env.restore(snapshot)


def change_final(info: dict[str, Any], change: Callable[[int, Any], Any]) -> dict[str, Any]:
    """Return a vector environment's info with changed final observations, if it has any.

    Args:
        info: The info that ``step`` returned. It is not modified.
        change: Function that takes an environment's index and its final observation and returns
            the new final observation.
    """
    if "final_obs" not in info:
        return info
    final_obs = info["final_obs"].copy()
    for i in np.flatnonzero(info["_final_obs"]).tolist():
        final_obs[i] = change(i, final_obs[i])
    return {**info, "final_obs": final_obs}
