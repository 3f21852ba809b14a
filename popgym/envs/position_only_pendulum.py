"""Swing a pendulum up while seeing where it is and not how fast it turns."""

import math
from typing import Any, ClassVar

from popgym.core.kernel import Rules
from popgym.core.rules import Record, rule
from popgym.envs.pendulum import ANGLE, PendulumFamily, reset, sample, step


@rule
def observe(s: Record, p: Record, obs: Any) -> None:
    """Cosine and sine of the angle."""
    obs[0], obs[1] = math.cos(s.physics[ANGLE]), s.sine


class PositionOnlyPendulumFamily(PendulumFamily):
    """Pendulum observed as its angle's cosine and sine, without the angular speed.

    Args:
        max_episode_length: After how many steps an episode is truncated.

    Reference players: the perfect one sees the state and chooses among 41 torques by dynamic
    programming over the steps left, on a grid of 401 angles and 321 speeds; 10,000 episodes
    were played (standard error at most .001).
    """

    rules = Rules(sample, reset, step, observe)
    presets: ClassVar = {
        "Easy": {"max_episode_length": 200},
        "Medium": {"max_episode_length": 150},
        "Hard": {"max_episode_length": 100},
    }
    group = "CONTROL"
    scores: ClassVar = {
        "Easy": {"random": 0.258, "perfect": 0.915},
        "Medium": {"random": 0.264, "perfect": 0.887},
        "Hard": {"random": 0.265, "perfect": 0.830},
    }

    def memory_needed(self) -> int:
        """Two angles, one step apart, give the angular speed."""
        return 1
