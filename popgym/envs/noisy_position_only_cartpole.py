"""Balance a pole while seeing noisy positions and no speeds."""

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
    """About where the cart is, and how far the pole leans."""
    show(s, p, s.physics[X], s.physics[ANGLE], obs)


class NoisyPositionOnlyCartPoleFamily(PositionOnlyCartPoleFamily):
    """CartPole observed as cart position and pole angle with noise, without their speeds.

    The noise on the angle is as large as that on the position: .1 rad is nearly half of what
    makes the pole fall. What is observed is clipped to twice the range of play.

    Args:
        max_episode_length: After how many steps an episode is truncated.
        noise_sigma: The noise's standard deviation, in m and in rad.
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
        """The cart and the pole as they were observed."""
        if reveal:
            return super().draw(record, reveal)
        x, angle = record["seen"]
        return picture(x, angle, record["steps"])

    def paint(self, canvas: Canvas, record: Record, reveal: bool = False) -> None:
        """The cart and the pole as they were observed; behind them as they are if revealed."""
        (x, angle), q = record["seen"], record["physics"]
        self.paint_track(canvas, record, x, angle)
        if reveal:
            paint_cart(canvas, q[X], q[ANGLE], LILAC, LILAC)
        paint_cart(canvas, x, angle, INK, ORANGE)
        if reveal:
            paint_speeds(canvas, q)

    def memory_needed(self) -> int | None:
        """Unknown: the more is remembered, the more of the noise averages out."""
        return None
