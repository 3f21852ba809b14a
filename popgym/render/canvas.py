"""Pictures of environments: shapes and text, drawn with Pillow at twice their size and shrunk."""

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from popgym.core.arguments import whole_number
from popgym.render.palette import PAPER, Color

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

    from popgym.core.family import Family
    from popgym.core.rules import Record

SCALE = 2
"""How many times larger than the picture it is drawn, so that shrinking smooths its edges."""

Point = tuple[float, float]


class Canvas:
    """A picture being drawn: x from the left and y from the top in pixels, fractions allowed.

    Outlines are one pixel wide and lie inside the shape. What lies beyond the edges is cut off.

    Args:
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.

    Raises:
        ModuleNotFoundError: Pillow is not installed; the message says how to install it.
        ValueError: The width or height is no whole number of at least 1.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = whole_number("width", width, 1)
        self.height = whole_number("height", height, 1)
        pillow = import_pillow()
        self._image = pillow.Image.new("RGB", (self.width * SCALE, self.height * SCALE), PAPER)
        self._pen = pillow.ImageDraw.Draw(self._image)

    def rectangle(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: Color | None,
        outline: Color | None = None,
        radius: float = 0,
    ) -> None:
        """A rectangle whose upper left corner is at (x, y); `radius` rounds its corners.

        Without `fill` it is an outline only; a width or height of 0 draws nothing.
        """
        if width > 0 and height > 0:
            box = corners(x, y, x + width, y + height)
            round_by = min(radius, width / 2, height / 2) * SCALE
            self._pen.rounded_rectangle(box, round_by, fill, outline, SCALE)

    def circle(
        self, x: float, y: float, radius: float, fill: Color | None, outline: Color | None = None
    ) -> None:
        """A circle around (x, y)."""
        if radius > 0:
            box = corners(x - radius, y - radius, x + radius, y + radius)
            self._pen.ellipse(box, fill, outline, SCALE)

    def line(self, points: Iterable[Point], width: float, fill: Color) -> None:
        """Straight lines from each point to the next."""
        self._pen.line(enlarged(points), fill, round(width * SCALE), joint="curve")

    def polygon(self, points: Iterable[Point], fill: Color) -> None:
        """A filled shape with the given corners."""
        self._pen.polygon(enlarged(points), fill)

    def text(
        self, x: float, y: float, string: str, size: float, fill: Color, anchor: str = "mm"
    ) -> None:
        """Text in Pillow's own font, which has the letters and signs of ASCII and few others.

        Args:
            x: Of the anchor, in pixels.
            y: Of the anchor, in pixels.
            string: One line or several.
            size: Of the font, in pixels.
            fill: Its colour.
            anchor: Which point of the text is at (x, y): "l", "m" or "r" (left, middle, right),
                then for a single line "t", "m", "s" or "b" (top, middle, baseline, bottom); see
                https://pillow.readthedocs.io/en/stable/handbook/text-anchors.html.
        """
        self._pen.text((x * SCALE, y * SCALE), string, fill, font(size * SCALE), anchor)

    def array(self) -> np.ndarray:
        """The picture, [height, width, 3] uint8."""
        return np.array(self._image.reduce(SCALE))


def picture(family: "Family", record: "Record", reveal: bool = False) -> np.ndarray:
    """A picture of one environment: what its player sees.

    Args:
        family: Its task.
        record: The environment's.
        reveal: Whether to show also what is hidden from the player.

    Returns:
        An array [H, W, 3] uint8; `family.picture_size` is (W, H).

    Raises:
        ModuleNotFoundError: Pillow is not installed; the message says how to install it.
        NotImplementedError: The family draws no pictures.
    """
    canvas = Canvas(*family.picture_size)
    family.paint(canvas, record, reveal)
    return canvas.array()


def corners(left: float, top: float, right: float, bottom: float) -> list[float]:
    """A box of Pillow's, whose last pixels belong to it, at least one pixel wide and high."""
    x, y = left * SCALE, top * SCALE
    return [x, y, max(right * SCALE - 1, x), max(bottom * SCALE - 1, y)]


def enlarged(points: Iterable[Point]) -> list[Point]:
    """Points of the picture where they are drawn."""
    return [(x * SCALE, y * SCALE) for x, y in points]


@functools.cache
def font(size: float) -> "FreeTypeFont | ImageFont":
    """The font that comes with Pillow, whatever fonts the machine has."""
    return import_pillow().ImageFont.load_default(size)


def import_pillow() -> Any:
    """Pillow, with the modules used here.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    try:
        import PIL.Image
        import PIL.ImageDraw
        import PIL.ImageFont
    except ModuleNotFoundError as error:
        advice = "pictures are drawn with Pillow: pip install 'popgym[render]'"
        raise ModuleNotFoundError(advice, name=error.name) from error
    return PIL
