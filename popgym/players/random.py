"""The random player, the lower bound of every task."""

from typing import Any

import numpy as np
from gymnasium.spaces import Box

from popgym.core.actions import limits
from popgym.core.family import Family
from popgym.players.player import Player


class Random(Player):
    """Draws every action uniformly from the action space."""

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        self.low, self.high = limits(task.action_space)

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Draw actions and ignore the observations."""
        shape = (self.num_envs, *self.low.shape)
        if isinstance(self.task.action_space, Box):
            # Rounding to single precision may give the upper bound itself, which is allowed.
            return self.rng.uniform(self.low, self.high, shape).astype(self.low.dtype)
        return self.rng.integers(self.low, self.high, shape, endpoint=True)
