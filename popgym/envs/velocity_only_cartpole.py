"""Balance a pole when only speeds are observed."""

import math
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box

from popgym.core.arguments import truth_value
from popgym.core.kernel import Rules
from popgym.core.rules import Record, rule
from popgym.envs.cartpole import (
    ANGLE,
    SPEED,
    TURN,
    CartPoleFamily,
    X,
    picture,
    reset,
    sample,
    speeds,
    step,
)
from popgym.envs.pictures.controls import gauge
from popgym.envs.pictures.heading import progress
from popgym.render.canvas import Canvas


@rule
def observe(s: Record, p: Record, obs: Any) -> None:
    """Write the speeds, or the positions in the first observation if the task says so."""
    if s.steps == 0 and p.positions_at_reset:
        obs[0], obs[1] = s.physics[X], s.physics[ANGLE]
    else:
        obs[0], obs[1] = s.physics[SPEED], s.physics[TURN]


class VelocityOnlyCartPoleFamily(CartPoleFamily):
    """CartPole observed as speeds of cart and pole, without their positions.

    In v0, as published, the first observation of an episode shows the positions instead, and
    nothing distinguishes it from the others. It reveals what the task should hide: adding up speeds
    gives all later positions. In v1 the first observation shows the speeds.

    Args:
        max_episode_length: The number of steps after which an episode is truncated.
        positions_at_reset: Whether the first observation shows the positions.
    """

    rules = Rules(sample, reset, step, observe)
    presets: ClassVar = {
        "Easy": {"max_episode_length": 200},
        "Medium": {"max_episode_length": 400},
        "Hard": {"max_episode_length": 600},
    }
    versions: ClassVar = {"v1": {"positions_at_reset": False}}
    id_name = "VelocityOnlyCartpole"
    group = "CONTROL"

    def __init__(self, max_episode_length: int = 200, positions_at_reset: bool = True) -> None:
        super().__init__(max_episode_length)
        positions_at_reset = truth_value("positions_at_reset", positions_at_reset)
        self.params["positions_at_reset"] = positions_at_reset
        self.observation_space = Box(-np.inf, np.inf, (2,))

    def draw(self, record: Record, reveal: bool = False) -> str:
        """Draw the speeds as numbers, and the cart if it is observed or ``reveal`` is set."""
        if reveal:
            return super().draw(record, reveal)
        if record["steps"] == 0 and self.params["positions_at_reset"]:
            return picture(record["physics"][X], record["physics"][ANGLE], 0)
        return f"{speeds(record['physics'])}   step {record['steps']}"

    def paint(self, canvas: Canvas, record: Record, reveal: bool = False) -> None:
        """Paint the speeds, or the cart if it is observed or ``reveal`` is set."""
        q, steps, limit = record["physics"], record["steps"].item(), self.max_episode_length
        if reveal or (steps == 0 and self.params["positions_at_reset"]):
            super().paint(canvas, record, reveal)
            return
        progress(canvas, f"step {steps} of {limit}", steps, limit)
        cart, pole = f"{q[SPEED]:+.2f} m/s", f"{math.degrees(q[TURN]):+.1f}°/s"
        gauge(canvas, 120, "speed of the cart", q[SPEED], 3, cart)
        gauge(canvas, 220, "speed of the pole", q[TURN], 3, pole)
