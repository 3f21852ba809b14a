"""Observations that tell whether they are the first of their episode."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv

from popgym.wrappers.extension import Extension, VectorExtension

KEY = "is_t0"


class Antialias(Extension, RecordConstructorArgs):
    """Appends 1 to the first observation of each episode and 0 to all others.

    It tells the null action of `PreviousAction` from a real one. Given a vector environment,
    makes a `VectorAntialias`.

    Args:
        env: The environment.

    Raises:
        ValueError: The observations are of a kind to which nothing can be appended.
    """

    def __new__(cls, env: Any = None) -> Any:
        """Chooses the vector form for a vector environment."""
        return VectorAntialias(env) if isinstance(env, VectorEnv) else super().__new__(cls)

    def __init__(self, env: gymnasium.Env) -> None:
        RecordConstructorArgs.__init__(self)
        Extension.__init__(self, env, KEY, Discrete(2), 1)

    def value_after(self, action: Any) -> int:
        """Zero: not the first observation."""
        return 0


class VectorAntialias(VectorExtension):
    """Appends the flag to batched observations; see `Antialias`.

    Args:
        env: The vector environment.
    """

    def __init__(self, env: VectorEnv) -> None:
        super().__init__(env, KEY, Discrete(2), 1)

    def values_after(self, actions: Any) -> np.ndarray:
        """Zeros: not the first observations."""
        return np.zeros(self.num_envs, np.int64)
