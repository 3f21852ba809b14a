"""Observations that tell the action before them."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.spaces import Space
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv

from popgym.wrappers.extension import Extension, VectorExtension, as_element

KEY = "prev_action"


class PreviousAction(Extension, RecordConstructorArgs):
    """Appends the previous action to each observation, and a null action to the first one.

    Given a vector environment, makes a `VectorPreviousAction`.

    Args:
        env: The environment.
        null_action: An action to show where there was none: by default zeros, or the lowest
            action where zeros are none. It looks like a real action; see `Antialias`.

    Raises:
        ValueError: The null action is not in the action space, or the observations are of a
            kind to which nothing can be appended.
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
        ValueError: It is not in the space.
    """
    if action is None:
        return null_action(space)
    if action not in space:
        raise ValueError(f"null_action must be in {space}, got {action!r}")
    return action


def null_action(space: Space) -> Any:
    """Zeros, or the lowest action where zeros are none.

    Raises:
        ValueError: The space is neither a Discrete, Multi…, Box, nor a Tuple or Dict of these.
    """
    if isinstance(space, spaces.Tuple):
        return tuple(null_action(part) for part in space.spaces)
    if isinstance(space, spaces.Dict):
        return {key: null_action(part) for key, part in space.spaces.items()}
    if isinstance(space, spaces.Discrete):
        return 0 if 0 in space else int(space.start)
    if isinstance(space, spaces.MultiBinary):
        return np.zeros(space.shape, space.dtype)
    if isinstance(space, (spaces.MultiDiscrete, spaces.Box)):
        zeros = np.zeros(space.shape, space.dtype)
        lowest = space.low if isinstance(space, spaces.Box) else space.start
        return zeros if zeros in space else np.array(lowest, space.dtype)
    raise ValueError(f"{space} has no null action; give one: null_action=…")
