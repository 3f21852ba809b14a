"""Wrappers that append a flag for the first observation of an episode."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv

from popgym.wrappers.base import require_environment
from popgym.wrappers.extension import Extension, VectorExtension

KEY = "is_t0"


class Antialias(Extension, RecordConstructorArgs):
    """Wrapper that appends 1 to the first observation of each episode and 0 to all others.

    The flag distinguishes the null action of ``PreviousAction`` from a real action. For a vector
    environment the constructor returns a ``VectorAntialias``.

    Args:
        env: The environment.

    Raises:
        ValueError: If nothing can be appended to observations of this kind of space.
    """

    def __new__(cls, env: Any = None) -> Any:
        """Return the vector wrapper if the environment is a vector environment."""
        require_environment(env)
        return VectorAntialias(env) if isinstance(env, VectorEnv) else super().__new__(cls)

    def __init__(self, env: gymnasium.Env) -> None:
        RecordConstructorArgs.__init__(self)
        Extension.__init__(self, env, KEY, Discrete(2), 1)

    def value_after(self, action: Any) -> int:
        """Return 0: this is not the first observation of an episode."""
        return 0


class VectorAntialias(VectorExtension):
    """Wrapper that appends the flag to batched observations; see ``Antialias``.

    Args:
        env: The vector environment.
    """

    def __init__(self, env: VectorEnv) -> None:
        super().__init__(env, KEY, Discrete(2), 1)

    def values_after(self, actions: Any) -> np.ndarray:
        """Return zeros: these are not first observations of an episode."""
        return np.zeros(self.num_envs, np.int64)
