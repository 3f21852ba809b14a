"""Observations that tell the action before them."""

from typing import Any

import gymnasium
from gymnasium.spaces import Space
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv

from popgym.core.actions import null_action
from popgym.core.layout import as_element
from popgym.wrappers.extension import Extension, VectorExtension

KEY = "prev_action"


class PreviousAction(Extension, RecordConstructorArgs):
    """Appends the previous action to each observation, and a null action to the first one.

    Given a vector environment, makes a `VectorPreviousAction`.

    Args:
        env: The environment.
        null_action: An action to show where there was none: by default zeros, or the lowest
            action where zeros are none. It looks like a real action; see `Antialias`.

    Raises:
        ValueError: If the null action is not in the action space, or the actions are of a kind
            that cannot be shown, or the observations of one to which nothing can be appended.
    """

    obs_requires_prev_action = False  # here it is shown

    def __new__(cls, env: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Chooses the vector form for a vector environment."""
        if isinstance(env, VectorEnv):
            return VectorPreviousAction(env, *args, **kwargs)
        return super().__new__(cls)

    def __init__(self, env: gymnasium.Env, null_action: Any = None) -> None:
        RecordConstructorArgs.__init__(self, null_action=null_action)
        self.null_action = checked_null_action(env.action_space, null_action)
        Extension.__init__(self, env, KEY, env.action_space, self.null_action)

    def value_after(self, action: Any) -> Any:
        """The action."""
        return as_element(self.env.action_space, action)


class VectorPreviousAction(VectorExtension):
    """Appends the previous actions; see `PreviousAction`.

    Args:
        env: The vector environment.
        null_action: For a single environment.
    """

    obs_requires_prev_action = False  # here it is shown

    def __init__(self, env: VectorEnv, null_action: Any = None) -> None:
        self.null_action = checked_null_action(env.single_action_space, null_action)
        super().__init__(env, KEY, env.single_action_space, self.null_action)

    def values_after(self, actions: Any) -> Any:
        """The actions."""
        return as_element(self.env.action_space, actions)


def checked_null_action(space: Space, action: Any) -> Any:
    """The null action given, or the one of a space.

    Raises:
        ValueError: If it is not in the space, or the space has none.
    """
    usual = null_action(space)
    if action is None:
        return usual
    if action not in space:
        raise ValueError(f"null_action must be in {space}, got {action!r}")
    return action
