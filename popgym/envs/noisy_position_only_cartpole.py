"""Balance a pole when only noisy positions are observed."""

from typing import Any, ClassVar

from popgym.core.kernel import Rules
from popgym.core.rules import Record, rule
from popgym.envs.cartpole import (
    ANGLE,
    MAX_ANGLE,
    MAX_X,
    X,
    paint_cart,
    paint_speeds,
    picture,
    reset,
    sample,
    step,
)
from popgym.envs.noise import NOISE_FIELDS, noise_params, show
from popgym.envs.position_only_cartpole import PositionOnlyCartPoleFamily
from popgym.render.canvas import Canvas
from popgym.render.palette import INK, LILAC, ORANGE


@rule
def observe(s: Record, p: Record, obs: Any) -> None:
    """Write the noisy position of the cart and angle of the pole."""
    show(s, p, s.physics[X], s.physics[ANGLE], obs)


class NoisyPositionOnlyCartPoleFamily(PositionOnlyCartPoleFamily):
    """CartPole observed as cart position and pole angle with noise, without their speeds.

    The same standard deviation applies to the position and to the angle. For the angle this is
    much: at 0.1 rad it is nearly half of the angle at which the pole falls. Observations are
    clipped to twice the range in which an episode continues.

    Args:
        max_episode_length: The number of steps after which an episode is truncated.
        noise_sigma: The standard deviation of the noise, in m and in rad.
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
        self.params.update(noise_params(noise_sigma, (2 * MAX_X, 2 * MAX_ANGLE)))
        self.fields.update(NOISE_FIELDS)

    def draw(self, record: Record, reveal: bool = False) -> str:
        """Draw the cart and the pole as observed; with ``reveal`` as they are."""
        if reveal:
            return super().draw(record, reveal)
        x, angle = record["seen"]
        return picture(x, angle, record["steps"])

    def paint(self, canvas: Canvas, record: Record, reveal: bool = False) -> None:
        """Paint the cart and the pole as observed; with ``reveal`` also as they are."""
        (x, angle), q = record["seen"], record["physics"]
        self.paint_track(canvas, record, x, angle)
        if reveal:
            paint_cart(canvas, q[X], q[ANGLE], LILAC, LILAC)
        paint_cart(canvas, x, angle, INK, ORANGE)
        if reveal:
            paint_speeds(canvas, q)

    def memory_needed(self) -> int | None:
        """Return None: more memory always averages out more of the noise."""
        return None
