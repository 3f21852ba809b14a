"""Balance a pole when only positions are observed."""

from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box

from popgym.core.kernel import Rules
from popgym.core.rules import Record, rule
from popgym.envs.cartpole import ANGLE, MAX_ANGLE, MAX_X, CartPoleFamily, X, reset, sample, step


@rule
def observe(s: Record, p: Record, obs: Any) -> None:
    """Write the position of the cart and the angle of the pole."""
    obs[0] = s.physics[X]
    obs[1] = s.physics[ANGLE]


class PositionOnlyCartPoleFamily(CartPoleFamily):
    """CartPole observed as cart position and pole angle, without their speeds.

    Args:
        max_episode_length: The number of steps after which an episode is truncated.
    """

    rules = Rules(sample, reset, step, observe)
    presets: ClassVar = {
        "Easy": {"max_episode_length": 200},
        "Medium": {"max_episode_length": 400},
        "Hard": {"max_episode_length": 600},
    }
    group = "CONTROL"

    def __init__(self, max_episode_length: int = 200) -> None:
        super().__init__(max_episode_length)
        high = np.array([2 * MAX_X, 2 * MAX_ANGLE], np.float32)
        self.observation_space = Box(-high, high)

    def memory_needed(self) -> int | None:
        """Return 1: two positions, one step apart, give the speeds."""
        return 1
