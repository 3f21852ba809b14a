"""CartPole, which several families show only in part.

The physics is that of gymnasium's CartPole, integrated by Euler's method in double precision.

Barto, Sutton and Anderson, "Neuronlike Adaptive Elements That Can Solve Difficult Learning Control
Problems" (1983).
"""

import math
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from popgym.core.arguments import whole_number
from popgym.core.family import Family
from popgym.core.hidden import Numbers
from popgym.core.random import uniform
from popgym.core.rules import Record, rule
from popgym.envs.pictures.controls import SIZE, arrow
from popgym.envs.pictures.heading import progress
from popgym.render.canvas import Canvas
from popgym.render.palette import GREY, INK, LIGHT, ORANGE, PURPLE, RED, Color

GRAVITY, DT = 9.8, 0.02  # m/s², s
CART, POLE = 1.0, 0.1  # kg
HALF_LENGTH, FORCE = 0.5, 10.0  # m, N
MASS, MOMENT = CART + POLE, POLE * HALF_LENGTH
MAX_X, MAX_ANGLE = 2.4, 12 * 2 * math.pi / 360  # m, rad
X, SPEED, ANGLE, TURN = range(4)  # indices into s.physics; m, m/s, rad, rad/s
METER, MIDDLE, TRACK, POLE_PIXELS = 84, SIZE[0] / 2, 260, 130  # in the picture, in pixels


@rule
def sample(s: Record, p: Record) -> None:
    """Draw a state near upright and at rest."""
    for i in range(4):
        s.physics[i] = uniform(s, -0.05, 0.05)


@rule
def reset(s: Record, p: Record) -> None:
    """Set the number of steps to 0."""
    s.steps = 0


@rule
def step(s: Record, p: Record, push: int) -> Any:
    """Push the cart for a fiftieth of a second."""
    q = s.physics
    force = FORCE if push == 1 else -FORCE
    cos, sin = math.cos(q[ANGLE]), math.sin(q[ANGLE])
    pushed = (force + MOMENT * q[TURN] ** 2 * sin) / MASS
    turn_rate = (GRAVITY * sin - cos * pushed) / (HALF_LENGTH * (4 / 3 - POLE * cos**2 / MASS))
    speed_rate = pushed - MOMENT * turn_rate * cos / MASS
    q[X] += DT * q[SPEED]
    q[SPEED] += DT * speed_rate
    q[ANGLE] += DT * q[TURN]
    q[TURN] += DT * turn_rate
    s.steps += 1
    fell = abs(q[X]) > MAX_X or abs(q[ANGLE]) > MAX_ANGLE
    return 1.0 / p.limit, fell, s.steps >= p.limit


class CartPoleFamily(Family):
    """Push a cart left (0) or right (1) so that the pole on it does not fall.

    Args:
        max_episode_length: The number of steps after which an episode is truncated.
    """

    picture_size = SIZE
    render_fps = round(1 / DT)
    action_names = ("left", "right")

    def __init__(self, max_episode_length: int = 200) -> None:
        limit = whole_number("max_episode_length", max_episode_length, 1)
        high = np.array([2 * MAX_X, np.inf, 2 * MAX_ANGLE, np.inf], np.float32)
        self.state_space = Box(-high, high)
        self.action_space = Discrete(2)
        self.max_episode_length = limit
        self.return_bounds = (1 / limit, 1.0)
        self.params = {"limit": limit}
        self.fields = {"physics": (np.float64, (4,)), "steps": np.int32}
        largest = np.finfo(np.float32).max.item()
        bounds = (MAX_X, largest, MAX_ANGLE, largest)
        self.hidden = {"physics": Numbers(tuple(-b for b in bounds), bounds)}

    def state(self, records: np.ndarray) -> Any:
        """Return the position, speed, angle and angular speed."""
        return records["physics"].astype(np.float32)

    def draw(self, record: Record, reveal: bool = False) -> str:
        """Draw the track from the side, with the pole's lean."""
        q = record["physics"]
        known = picture(q[X], q[ANGLE], record["steps"])
        return f"{known}   {speeds(q)}" if reveal else known

    def paint(self, canvas: Canvas, record: Record, reveal: bool = False) -> None:
        """Paint the cart on its track, with its pole; with ``reveal`` also the speeds as arrows."""
        q = record["physics"]
        self.paint_track(canvas, record, q[X], q[ANGLE])
        paint_cart(canvas, q[X], q[ANGLE], INK, ORANGE)
        if reveal:
            paint_speeds(canvas, q)

    def paint_track(self, canvas: Canvas, record: Record, x: float, angle: float) -> None:
        """Paint the track with its ends, and write where the cart [m] and the pole [rad] are."""
        steps, limit = record["steps"].item(), self.max_episode_length
        told = f"cart {x:+.2f} m   pole {math.degrees(angle):+.1f}°"
        progress(canvas, f"step {steps} of {limit}", steps, limit, told)
        canvas.line([(0, TRACK), (SIZE[0], TRACK)], 2, GREY)
        for end in (-MAX_X, MAX_X):
            canvas.rectangle(MIDDLE + METER * end - 2, TRACK - 16, 4, 32, RED)
        canvas.rectangle(MIDDLE - 1, TRACK - 6, 2, 12, GREY)


def on_track(x: float) -> float:
    """Return the x coordinate of the cart's middle in the picture, limited to the picture."""
    return MIDDLE + METER * min(max(x, -2.7), 2.7)


def paint_cart(canvas: Canvas, x: float, angle: float, cart: Color, pole: Color) -> None:
    """Paint the cart [m] and the pole [rad] in their colours, and how far the pole may lean."""
    place, hinge = on_track(x), TRACK - 34
    ends = [
        (place + POLE_PIXELS * math.sin(a), hinge - POLE_PIXELS * math.cos(a))
        for a in (-MAX_ANGLE, MAX_ANGLE, angle)
    ]
    for end in ends[:2]:
        canvas.line([(place, hinge), end], 2, LIGHT)
    canvas.rectangle(place - 28, hinge, 56, 28, cart, None, 4)
    for wheel in (-16, 16):
        canvas.circle(place + wheel, TRACK - 6, 6, cart, LIGHT)
    canvas.line([(place, hinge), ends[2]], 8, pole)
    canvas.circle(place, hinge, 5, cart, LIGHT)


def paint_speeds(canvas: Canvas, physics: Any) -> None:
    """Paint an arrow and a number for each of the speeds of the cart and the pole."""
    place, angle = on_track(physics[X]), physics[ANGLE]
    front = place + math.copysign(28, physics[SPEED])
    arrow(canvas, front, TRACK - 20, 0, 60 * physics[SPEED], PURPLE)
    tip = place + POLE_PIXELS * math.sin(angle), TRACK - 34 - POLE_PIXELS * math.cos(angle)
    arrow(canvas, *tip, -angle, 60 * physics[TURN], PURPLE)
    canvas.text(MIDDLE, SIZE[1] - 22, speeds(physics), 16, PURPLE)


def speeds(physics: Any) -> str:
    """Return the speeds of the cart and the pole as text."""
    return f"cart {physics[SPEED]:+.2f} m/s   pole {math.degrees(physics[TURN]):+.1f}°/s"


def picture(x: float, angle: float, steps: int) -> str:
    """Return the cart [m] on its track, and which way the pole [rad] leans, as text."""
    place = round(20 * min(max(x / MAX_X, -1), 1)) + 20
    pole = "|" if abs(angle) < 0.01 else "/" if angle > 0 else "\\"
    numbers = f"cart {x:+.2f} m   pole {math.degrees(angle):+.1f}°   step {steps}"
    return f"{' ' * (place + 1)}{pole}\n[{'-' * place}#{'-' * (40 - place)}]\n{numbers}"
