"""Swing a pendulum up when only its angle is observed, with noise."""

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
    """Write the noisy cosine and sine of the angle."""
    show(s, p, math.cos(s.physics[ANGLE]), s.sine, obs)


class NoisyPositionOnlyPendulumFamily(PositionOnlyPendulumFamily):
    """Pendulum observed as its angle's cosine and sine with noise, without the angular speed.

    The noise on the two numbers is independent. Each is then clipped to −1 to 1.

    Args:
        max_episode_length: The number of steps after which an episode is truncated.
        noise_sigma: The standard deviation of the noise.
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
        """Draw the rod as observed; with ``reveal`` as it is."""
        if reveal:
            return super().draw(record, reveal)
        cos, sin = record["seen"]
        return picture(cos, sin, record["steps"])

    def paint(self, canvas: Canvas, record: Record, reveal: bool = False) -> None:
        """Paint the rod as observed; with ``reveal`` also as it is."""
        (cos, sin), angle = record["seen"], record["physics"][ANGLE]
        self.paint_ring(canvas, record, cos, sin)
        if reveal:
            paint_rod(canvas, math.cos(angle), math.sin(angle), LILAC)
        paint_rod(canvas, cos, sin, ORANGE)
        if reveal:
            paint_speed(canvas, record["physics"])

    def memory_needed(self) -> int | None:
        """Return None: more memory always averages out more of the noise."""
        return None
