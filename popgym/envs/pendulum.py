"""Pendulum, which several families show only in part.

The physics is that of gymnasium's Pendulum, a rod of 1 m and 1 kg under g = 10 m/s², integrated by
the semi-implicit Euler method in double precision. The angle 0 is upright.
"""

import math
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from popgym.core.arguments import whole_number
from popgym.core.family import Family
from popgym.core.hidden import Numbers
from popgym.core.random import uniform
from popgym.core.rules import Record, rule
from popgym.envs.pictures.controls import arrow
from popgym.envs.pictures.heading import progress
from popgym.render.canvas import Canvas
from popgym.render.palette import GREY, INK, LIGHT, ORANGE, PURPLE, Color

DT, MAX_TURN, MAX_TORQUE = 0.05, 8.0, 2.0  # s, rad/s, N m
FALL, PUSH = 15.0, 3.0  # 3 g / 2 l in 1/s², 3 / m l² in 1/(kg m²)
HALF_COST = 8.1368022  # half of the greatest cost of a step: π² + MAX_TURN² / 10 + .001 · 2²
ANGLE, TURN = range(2)  # indices into s.physics; rad, rad/s
ROD, HINGE = 125, (200, 238)  # in the picture, in pixels


@rule
def sample(s: Record, p: Record) -> None:
    """Draw any angle and a low angular speed."""
    s.physics[ANGLE] = uniform(s, -math.pi, math.pi)
    s.physics[TURN] = uniform(s, -1.0, 1.0)


@rule
def reset(s: Record, p: Record) -> None:
    """Set the number of steps to 0."""
    s.steps = 0
    s.sine = math.sin(s.physics[ANGLE])


@rule
def from_upright(angle: float) -> Any:
    """Return the same angle between −π and π."""
    turned = angle + math.pi
    if -2 * math.pi <= turned < 4 * math.pi:  # the same result as %, but faster
        turned += 2 * math.pi * (int(turned < 0) - int(turned >= 2 * math.pi))
    else:
        turned %= 2 * math.pi
    return turned - math.pi


@rule
def step(s: Record, p: Record, torque: Any) -> Any:
    """Turn the rod for a twentieth of a second, at a cost that depends on the state before."""
    q = s.physics
    push = min(max(float(torque[0]), -MAX_TORQUE), MAX_TORQUE)
    off = from_upright(q[ANGLE])
    # Products, because compiled powers may differ from Python's in the last bit.
    cost = off * off + 0.1 * q[TURN] * q[TURN] + 0.001 * push * push
    turn = q[TURN] + DT * (FALL * s.sine + PUSH * push)
    q[TURN] = min(max(turn, -MAX_TURN), MAX_TURN)
    q[ANGLE] += DT * q[TURN]
    s.sine = math.sin(q[ANGLE])
    s.steps += 1
    return (1 - cost / HALF_COST) / p.limit, False, s.steps >= p.limit


class PendulumFamily(Family):
    """Swing a rod up and hold it upright by a torque from −2 to 2 N m; larger ones are clipped.

    A step earns from −1 / length (hanging and turning fast) to 1 / length (upright, at rest).

    Args:
        max_episode_length: The number of steps after which an episode is truncated.
    """

    clips_actions = True
    picture_size = (400, 440)
    render_fps = round(1 / DT)
    action_names = ("clockwise", "no torque", "anticlockwise")

    def __init__(self, max_episode_length: int = 200) -> None:
        limit = whole_number("max_episode_length", max_episode_length, 1)
        high = np.array([1, 1, MAX_TURN], np.float32)
        self.observation_space = Box(-high[:2], high[:2])
        self.action_space = Box(-MAX_TORQUE, MAX_TORQUE, (1,))
        self.state_space = Box(-high, high)
        self.max_episode_length = limit
        self.return_bounds = (-1.0, 1.0)
        self.params = {"limit": limit}
        self.fields = {"physics": (np.float64, (2,)), "steps": np.int32, "sine": np.float64}
        bounds = (1000 * math.pi, MAX_TURN)
        self.hidden = {"physics": Numbers((-bounds[0], -bounds[1]), bounds)}

    def state(self, records: np.ndarray) -> Any:
        """Return the cosine and sine of the angle, and the angular speed."""
        angle, turn = records["physics"].T
        return np.stack([np.cos(angle), np.sin(angle), turn], axis=1).astype(np.float32)

    def draw(self, record: Record, reveal: bool = False) -> str:
        """Draw the rod from the front; with ``reveal`` also its speed."""
        angle, turn = record["physics"]
        known = picture(math.cos(angle), math.sin(angle), record["steps"])
        return f"{known}   {math.degrees(turn):+.0f}°/s" if reveal else known

    def paint(self, canvas: Canvas, record: Record, reveal: bool = False) -> None:
        """Paint the rod from the front; with ``reveal`` also its speed as an arrow."""
        angle = record["physics"][ANGLE]
        self.paint_ring(canvas, record, math.cos(angle), math.sin(angle))
        paint_rod(canvas, math.cos(angle), math.sin(angle), ORANGE)
        if reveal:
            paint_speed(canvas, record["physics"])

    def paint_ring(self, canvas: Canvas, record: Record, cos: float, sin: float) -> None:
        """Paint the circle of the rod's end and a mark at upright, and write the angle."""
        steps, limit = record["steps"].item(), self.max_episode_length
        told = f"{math.degrees(math.atan2(sin, cos)):+.0f}° from upright"
        progress(canvas, f"step {steps} of {limit}", steps, limit, told)
        canvas.circle(*HINGE, ROD, None, LIGHT)
        canvas.rectangle(HINGE[0] - 1, HINGE[1] - ROD - 8, 2, 16, GREY)


def rod_end(cos: float, sin: float) -> tuple[float, float]:
    """Return where the rod's end is in the picture, in pixels from the left and from the top."""
    return HINGE[0] - ROD * sin, HINGE[1] - ROD * cos


def paint_rod(canvas: Canvas, cos: float, sin: float, color: Color) -> None:
    """Paint the rod; the cosine and sine of its angle from upright place its end."""
    canvas.line([HINGE, rod_end(cos, sin)], 14, color)
    canvas.circle(*rod_end(cos, sin), 7, color)
    canvas.circle(*HINGE, 7, color)
    canvas.circle(*HINGE, 4, INK)


def paint_speed(canvas: Canvas, physics: Any) -> None:
    """Paint the speed of the rod: an arrow at its end, and a number."""
    angle, turn = physics.tolist()
    arrow(canvas, *rod_end(math.cos(angle), math.sin(angle)), angle + math.pi, 13 * turn, PURPLE)
    canvas.text(HINGE[0], 420, f"{math.degrees(turn):+.0f}°/s", 16, PURPLE)


def picture(cos: float, sin: float, steps: int) -> str:
    """Return the rod, fixed at o, as text; the cosine and sine of its angle place its end."""
    rows = [[" "] * 13 for _ in range(7)]
    for reach in range(4):
        rows[round(3 - reach * cos)][round(6 - 2 * reach * sin)] = "*" if reach else "o"
    angle = math.degrees(math.atan2(sin, cos))
    lines = ["".join(row).rstrip() for row in rows]
    return "\n".join([*lines, f"{angle:+.0f}° from upright   step {steps}"])
