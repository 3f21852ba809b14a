"""Swing a pendulum up while seeing noisily where it is and not how fast it turns."""

import math
from typing import Any, ClassVar

from popgym.core.kernel import Rules
from popgym.core.rules import Record, rule
from popgym.envs.noise import NOISE_FIELDS, noise_params, show
from popgym.envs.pendulum import ANGLE, PendulumFamily, picture, reset, sample, step


@rule
def observe(s: Record, p: Record, obs: Any) -> None:
    """About the cosine and sine of the angle."""
    show(s, p, math.cos(s.physics[ANGLE]), s.sine, obs)


class NoisyPositionOnlyPendulumFamily(PendulumFamily):
    """Pendulum observed as its angle's cosine and sine with noise, without the angular speed.

    Each of the two has noise of its own and is then clipped to −1 to 1.

    Args:
        max_episode_length: After how many steps an episode is truncated.
        noise_sigma: The noise's standard deviation.

    Reference players: the perfect score is that of who sees the state (it is that of
    PositionOnlyPendulumEasy), and so a bound.
    """

    rules = Rules(sample, reset, step, observe)
    presets: ClassVar = {
        "Easy": {"noise_sigma": 0.1},
        "Medium": {"noise_sigma": 0.2},
        "Hard": {"noise_sigma": 0.3},
    }
    group = "NOISY"
    scores: ClassVar = {
        "Easy": {"random": 0.258, "perfect": 0.915},
        "Medium": {"random": 0.258, "perfect": 0.915},
        "Hard": {"random": 0.258, "perfect": 0.915},
    }

    def __init__(self, max_episode_length: int = 200, noise_sigma: float = 0.1) -> None:
        super().__init__(max_episode_length)
        self.params.update(noise_params(noise_sigma, (1.0, 1.0)))
        self.fields.update(NOISE_FIELDS)

    def draw(self, record: Record, reveal: bool = False) -> str:
        """The rod as it was observed."""
        if reveal:
            return super().draw(record, reveal)
        cos, sin = record["seen"]
        return picture(cos, sin, record["steps"])
