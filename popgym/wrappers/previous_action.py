"""Wrappers that append the previous action to each observation."""

from typing import Any

import gymnasium
from gymnasium.spaces import Space
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv

from popgym.core.actions import null_action
from popgym.core.layout import as_element
from popgym.wrappers.base import require_environment
from popgym.wrappers.extension import Extension, VectorExtension

KEY = "prev_action"


class PreviousAction(Extension, RecordConstructorArgs):
    """Wrapper that appends the previous action to each observation.

    The first observation of an episode gets a null action. For a vector environment the
    constructor returns a ``VectorPreviousAction``.

    Args:
        env: The environment.
        null_action: The action to append to the first observation. Default: zeros, or the lowest
            action if zeros are not in the action space. An agent cannot distinguish it from a real
            action; see ``Antialias``.

    Raises:
        ValueError: If the null action is not in the action space, the action space has no default
            null action, or nothing can be appended to observations of this kind of space.
    """

    obs_requires_prev_action = False  # this wrapper shows it

    def __new__(cls, env: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Return the vector wrapper if the environment is a vector environment."""
        require_environment(env)
        if isinstance(env, VectorEnv):
            return VectorPreviousAction(env, *args, **kwargs)
        return super().__new__(cls)

    def __init__(self, env: gymnasium.Env, null_action: Any = None) -> None:
        RecordConstructorArgs.__init__(self, null_action=null_action)
        self.null_action = checked_null_action(env.action_space, null_action)
        Extension.__init__(self, env, KEY, env.action_space, self.null_action)

    def value_after(self, action: Any) -> Any:
        """Return the action as an element of the action space."""
        return as_element(self.env.action_space, action)


class VectorPreviousAction(VectorExtension):
    """Wrapper that appends the previous actions to batched observations; see ``PreviousAction``.

    Args:
        env: The vector environment.
        null_action: The null action of a single environment.
    """

    obs_requires_prev_action = False  # this wrapper shows it

    def __init__(self, env: VectorEnv, null_action: Any = None) -> None:
        self.null_action = checked_null_action(env.single_action_space, null_action)
        super().__init__(env, KEY, env.single_action_space, self.null_action)

    def values_after(self, actions: Any) -> Any:
        """Return the actions as an element of the batched action space."""
        return as_element(self.env.action_space, actions)


def checked_null_action(space: Space, action: Any) -> Any:
    """Return the given null action, or the default one of the action space.

    Raises:
        ValueError: If the action is not in the space, or the space has no default null action.
    """
    usual = null_action(space)
    if action is None:
        return usual
    if action not in space:
        raise ValueError(f"null_action must be in {space}, got {action!r}")
    return action
