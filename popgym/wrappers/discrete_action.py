"""Wrappers that turn MultiDiscrete actions into Discrete ones, one per combination."""

import math
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete, Space
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import batch_space

from popgym.wrappers.base import POPGymVectorWrapper, POPGymWrapper, require_environment


class DiscreteAction(POPGymWrapper, RecordConstructorArgs):
    """Wrapper that makes MultiDiscrete actions Discrete.

    Combinations are numbered in row-major order: the last component changes fastest. Discrete
    actions stay as they are. For a vector environment the constructor returns a
    ``VectorDiscreteAction``.

    Args:
        env: The environment.

    Raises:
        ValueError: If the action space is neither Discrete nor MultiDiscrete.
    """

    def __new__(cls, env: Any = None) -> Any:
        """Return the vector wrapper if the environment is a vector environment."""
        require_environment(env)
        return VectorDiscreteAction(env) if isinstance(env, VectorEnv) else super().__new__(cls)

    def __init__(self, env: gymnasium.Env) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        self.action_space = combined(env.action_space)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Play one action, a whole number; see the wrapped environment."""
        return self.env.step(choices(self.env.action_space, action))


class VectorDiscreteAction(POPGymVectorWrapper):
    """Wrapper that makes batched MultiDiscrete actions Discrete; see ``DiscreteAction``.

    Args:
        env: The vector environment.
    """

    def __init__(self, env: VectorEnv) -> None:
        super().__init__(env)
        self.single_action_space = combined(env.single_action_space)
        self.action_space = batch_space(self.single_action_space, env.num_envs)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Play one action in each environment; see the wrapped environment.

        Args:
            actions: Whole numbers, [num_envs].
        """
        return self.env.step(choices(self.env.single_action_space, actions))


def combined(space: Space) -> Discrete:
    """Return the Discrete space with one action for each combination of a MultiDiscrete space.

    Raises:
        ValueError: If the space is neither Discrete nor MultiDiscrete, has no components, or has
            more combinations than fit into int64.
    """
    if isinstance(space, Discrete):
        return space
    if isinstance(space, MultiDiscrete):
        count = combinations_of(space)
        if not space.nvec.size or count > np.iinfo(np.int64).max:
            raise ValueError(
                f"{space} has {count} combinations of choices; a Discrete space needs at least one "
                "component and at most 2**63 - 1 combinations"
            )
        return Discrete(count)
    raise ValueError(f"the action space must be Discrete or MultiDiscrete, got {space}")


def combinations_of(space: MultiDiscrete) -> int:
    """Return the number of combinations of a MultiDiscrete space's components."""
    return math.prod(space.nvec.reshape(-1).tolist())


def choices(space: Space, combinations: Any) -> Any:
    """Convert combination numbers to actions of the space.

    Args:
        space: The original action space.
        combinations: One number or an array of numbers, [...].

    Returns:
        The actions, [..., *space.shape]; ``combinations`` unchanged if the space is not
        MultiDiscrete.

    Raises:
        ValueError: If a number is out of range or not an integer.
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
