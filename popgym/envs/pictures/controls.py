"""Parts of pictures of control tasks: arrows and gauges."""

import math

from popgym.render.canvas import Canvas
from popgym.render.palette import BLUE, GREY, INK, LIGHT, Color

SIZE = (480, 320)
LONGEST = 110.0
"""The length of the longest arrow, in pixels."""


def arrow(canvas: Canvas, x: float, y: float, angle: float, length: float, fill: Color) -> None:
    """Paint an arrow from (x, y).

    Args:
        canvas: The canvas to draw on.
        x: The x coordinate of its start, in pixels.
        y: The y coordinate of its start, in pixels.
        angle: Its direction, in rad: 0 is to the right, π / 2 is up.
        length: Its length in pixels, limited to ``LONGEST``. A negative length points the other
            way. A very short arrow is left out.
        fill: Its colour.
    """
    length = min(max(length, -LONGEST), LONGEST)
    if abs(length) < 5:
        return
    across, up = math.cos(angle), -math.sin(angle)
    head = math.copysign(min(abs(length), 12), length)
    tip, base = (x + length * across, y + length * up), length - head
    neck = x + base * across, y + base * up
    side = (head * up * 0.6, -head * across * 0.6)
    canvas.line([(x, y), neck], 4, fill)
    canvas.polygon(
        [tip, (neck[0] + side[0], neck[1] + side[1]), (neck[0] - side[0], neck[1] - side[1])], fill
    )


def gauge(canvas: Canvas, y: float, name: str, value: float, limit: float, told: str) -> None:
    """Paint a bar that begins in the middle and shows how far a number is below or above 0.

    Args:
        canvas: The canvas to draw on.
        y: The y coordinate of the bar's upper edge, in pixels.
        name: The name of the number.
        value: The number.
        limit: The number at which the bar ends.
        told: The number as text.
    """
    left, width, high = 40, canvas.width - 80, 30
    canvas.text(left, y - 18, name, 18, INK, "lm")
    canvas.text(left + width, y - 18, told, 18, INK, "rm")
    canvas.rectangle(left, y, width, high, LIGHT, None, 4)
    share = min(max(value / limit, -1), 1)
    middle, reach = left + width / 2, abs(share) * width / 2
    canvas.rectangle(middle - (share < 0) * reach, y, reach, high, BLUE)
    canvas.rectangle(middle - 1, y - 5, 2, high + 10, GREY)
