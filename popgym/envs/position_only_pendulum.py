"""Swing a pendulum up when only its angle is observed."""

import math
from typing import Any, ClassVar

from popgym.core.kernel import Rules
from popgym.core.rules import Record, rule
from popgym.envs.pendulum import ANGLE, PendulumFamily, reset, sample, step


@rule
def observe(s: Record, p: Record, obs: Any) -> None:
    """Write the cosine and sine of the angle."""
    obs[0], obs[1] = math.cos(s.physics[ANGLE]), s.sine


class PositionOnlyPendulumFamily(PendulumFamily):
    """Pendulum observed as its angle's cosine and sine, without the angular speed.

    Args:
        max_episode_length: The number of steps after which an episode is truncated.
    """

    rules = Rules(sample, reset, step, observe)
    presets: ClassVar = {
        "Easy": {"max_episode_length": 200},
        "Medium": {"max_episode_length": 150},
        "Hard": {"max_episode_length": 100},
    }
    group = "CONTROL"

    def memory_needed(self) -> int | None:
        """Return 1: two angles, one step apart, give the angular speed."""
        return 1
