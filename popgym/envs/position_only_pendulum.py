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
    """

    rules = Rules(sample, reset, step, observe)
    presets: ClassVar = {
        "Easy": {"max_episode_length": 200},
        "Medium": {"max_episode_length": 150},
        "Hard": {"max_episode_length": 100},
    }
    group = "CONTROL"

    def memory_needed(self) -> int | None:
        """Two angles, one step apart, give the angular speed."""
        return 1
