"""The signs on cards, drawn as shapes because Pillow's font has no card suits."""

import math
from collections.abc import Callable

from popgym.render.canvas import Canvas, Point
from popgym.core.cards import COLORS, SUITS
from popgym.render.palette import INK, RED, WHITE


def heart_curve(x: float, y: float, size: float) -> list[Point]:
    """A heart around (x, y), upside down where the size is negative.

    Weisstein, "Heart Curve", MathWorld, https://mathworld.wolfram.com/HeartCurve.html, the
    curve of sines and cosines, which is 32 wide and reaches from −17 to 12.
    """
    points = []
    for t in (2 * math.pi * i / 60 for i in range(60)):
        up = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        points.append((x + size * math.sin(t) ** 3 / 2, y - size * (up + 2.5) / 32))
    return points


def heart(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A red heart."""
    canvas.polygon(heart_curve(x, y, size), RED)


def diamond(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A red diamond."""
    wide, high = 0.4 * size, 0.52 * size
    canvas.polygon([(x, y - high), (x + wide, y), (x, y + high), (x - wide, y)], RED)


def stem(canvas: Canvas, x: float, y: float, size: float) -> None:
    """What a spade or a club stands on."""
    foot = y + 0.5 * size
    canvas.polygon([(x, y), (x + 0.2 * size, foot), (x - 0.2 * size, foot)], INK)


def spade(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A black spade."""
    stem(canvas, x, y, size)
    canvas.polygon(heart_curve(x, y - 0.08 * size, -0.9 * size), INK)


def club(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A black club."""
    stem(canvas, x, y, size)
    for right, up in ((0, 0.24), (-0.24, -0.12), (0.24, -0.12), (0, -0.02)):
        canvas.circle(
            x + right * size, y - up * size, (0.24 if right or up > 0 else 0.1) * size, INK
        )


SHAPES: dict[str, Callable[[Canvas, float, float, float], None]] = dict(
    zip(SUITS, (spade, diamond, club, heart), strict=True)
)
DISCS = dict(zip(COLORS, (INK, RED), strict=True))


def symbol(canvas: Canvas, x: float, y: float, size: float, name: str) -> None:
    """The sign for a kind of cards, about `size` high, around (x, y).

    A suit is drawn, a colour is a disc with its initial, anything else (a rank) is written.
    """
    if name in SHAPES:
        SHAPES[name](canvas, x, y, size)
    elif name in DISCS:
        canvas.circle(x, y, size / 2, DISCS[name])
        canvas.text(x, y, name[0].upper(), 0.65 * size, WHITE)
    else:
        canvas.text(x, y, name, 0.8 * size if len(name) == 2 else size, INK)
