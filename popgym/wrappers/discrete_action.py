"""Several choices at once as one choice among all their combinations."""

import math
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete, Space
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import batch_space

from popgym.wrappers.base import POPGymVectorWrapper, POPGymWrapper


class DiscreteAction(POPGymWrapper, RecordConstructorArgs):
    """Makes MultiDiscrete actions Discrete: the last choice counts fastest, as in an array.

    Discrete actions stay as they are. Given a vector environment, makes a
    `VectorDiscreteAction`.

    Args:
        env: The environment.

    Raises:
        ValueError: The actions are neither Discrete nor MultiDiscrete.
    """

    def __new__(cls, env: Any = None) -> Any:
        """Chooses the vector form for a vector environment."""
        return VectorDiscreteAction(env) if isinstance(env, VectorEnv) else super().__new__(cls)

    def __init__(self, env: gymnasium.Env) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        self.action_space = combined(env.action_space)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Plays one action, a whole number; see the environment."""
        return self.env.step(choices(self.env.action_space, action))


class VectorDiscreteAction(POPGymVectorWrapper):
    """Makes batched MultiDiscrete actions Discrete; see `DiscreteAction`.

    Args:
        env: The vector environment.
    """

    def __init__(self, env: VectorEnv) -> None:
        super().__init__(env)
        self.single_action_space = combined(env.single_action_space)
        self.action_space = batch_space(self.single_action_space, env.num_envs)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Plays one action in each environment; see the environment.

        Args:
            actions: [num_envs], whole numbers.
        """
        return self.env.step(choices(self.env.single_action_space, actions))


def combined(space: Space) -> Discrete:
    """A choice for each combination of choices.

    Raises:
        ValueError: If the space is neither Discrete nor MultiDiscrete, or has no choices, or more
            combinations than an int64 can count.
    """
    if isinstance(space, Discrete):
        return space
    if isinstance(space, MultiDiscrete):
        count = combinations_of(space)
        if not space.nvec.size or count > np.iinfo(np.int64).max:
            raise ValueError(f"{space} has {count} combinations of choices, which is no Discrete")
        return Discrete(count)
    raise ValueError(f"actions must be Discrete or MultiDiscrete to be made Discrete, got {space}")


def combinations_of(space: MultiDiscrete) -> int:
    """How many combinations of choices there are."""
    return math.prod(space.nvec.reshape(-1).tolist())


def choices(space: Space, combinations: Any) -> Any:
    """The choices [..., *shape of the space] that a combination, or an array of them, stands for.

    Raises:
        ValueError: There is no such combination.
    """
    if not isinstance(space, MultiDiscrete):
        return combinations
    numbers, count = np.asarray(combinations), combinations_of(space)
    if numbers.dtype.kind not in "iu" or ((numbers < 0) | (numbers >= count)).any():
        raise ValueError(f"actions must be whole numbers from 0 to {count - 1}, got {combinations}")
    sizes = tuple(space.nvec.reshape(-1).tolist())
    indices = np.unravel_index(numbers.astype(np.int64, copy=False), sizes)
    flat = np.stack(indices, axis=-1).reshape(*numbers.shape, *space.shape)
    return flat.astype(space.dtype) + space.start
