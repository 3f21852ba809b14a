"""Swing a pendulum up while seeing noisily where it is and not how fast it turns."""

import math
from typing import Any, ClassVar

from popgym.core.kernel import Rules
from popgym.core.rules import Record, rule
from popgym.envs.noise import NOISE_FIELDS, noise_params, show
from popgym.envs.pendulum import (
    ANGLE,
    paint_rod,
    paint_speed,
    picture,
    reset,
    sample,
    step,
)
from popgym.envs.position_only_pendulum import PositionOnlyPendulumFamily
from popgym.render.canvas import Canvas
from popgym.render.palette import LILAC, ORANGE


@rule
def observe(s: Record, p: Record, obs: Any) -> None:
    """About the cosine and sine of the angle."""
    show(s, p, math.cos(s.physics[ANGLE]), s.sine, obs)


class NoisyPositionOnlyPendulumFamily(PositionOnlyPendulumFamily):
    """Pendulum observed as its angle's cosine and sine with noise, without the angular speed.

    Each of the two has noise of its own and is then clipped to −1 to 1.

    Args:
        max_episode_length: After how many steps an episode is truncated.
        noise_sigma: The noise's standard deviation.
    """

    rules = Rules(sample, reset, step, observe)
    presets: ClassVar = {
        "Easy": {"noise_sigma": 0.1},
        "Medium": {"noise_sigma": 0.2},
        "Hard": {"noise_sigma": 0.3},
    }
    group = "NOISY"

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

    def paint(self, canvas: Canvas, record: Record, reveal: bool = False) -> None:
        """The rod as it was observed; behind it as it is if revealed."""
        (cos, sin), angle = record["seen"], record["physics"][ANGLE]
        self.paint_ring(canvas, record, cos, sin)
        if reveal:
            paint_rod(canvas, math.cos(angle), math.sin(angle), LILAC)
        paint_rod(canvas, cos, sin, ORANGE)
        if reveal:
            paint_speed(canvas, record["physics"])

    def memory_needed(self) -> int | None:
        """Unknown: the more is remembered, the more of the noise averages out."""
        return None
