"""Pictures of environments: shapes and text, drawn with Pillow at twice the size and reduced."""

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
"""The factor by which a picture is drawn larger. Reducing it afterwards smooths the edges."""

Point = tuple[float, float]


class Canvas:
    """A picture on which shapes and text can be drawn.

    Coordinates are in pixels, x from the left and y from the top, and need not be whole numbers.
    Outlines are one pixel wide and lie inside the shape. Parts of a shape outside the picture are
    not drawn.

    Args:
        width: The width of the picture in pixels.
        height: The height of the picture in pixels.

    Raises:
        ModuleNotFoundError: If Pillow is not installed; the message says how to install it.
        ValueError: If the width or height is not a whole number of at least 1.
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
        """Draw a rectangle whose upper left corner is at (x, y).

        ``radius`` is the radius of rounded corners. Without ``fill`` only the outline is drawn.
        With a width or height of 0 nothing is drawn.
        """
        if width > 0 and height > 0:
            box = corners(x, y, x + width, y + height)
            round_by = min(radius, width / 2, height / 2) * SCALE
            self._pen.rounded_rectangle(box, round_by, fill, outline, SCALE)

    def circle(
        self, x: float, y: float, radius: float, fill: Color | None, outline: Color | None = None
    ) -> None:
        """Draw a circle with its centre at (x, y)."""
        if radius > 0:
            box = corners(x - radius, y - radius, x + radius, y + radius)
            self._pen.ellipse(box, fill, outline, SCALE)

    def line(self, points: Iterable[Point], width: float, fill: Color) -> None:
        """Draw straight lines from each point to the next."""
        self._pen.line(enlarged(points), fill, round(width * SCALE), joint="curve")

    def polygon(self, points: Iterable[Point], fill: Color) -> None:
        """Draw a filled polygon with the given corners."""
        self._pen.polygon(enlarged(points), fill)

    def text(
        self, x: float, y: float, string: str, size: float, fill: Color, anchor: str = "mm"
    ) -> None:
        """Draw text in Pillow's default font, which has the ASCII characters and few others.

        Args:
            x: The x-coordinate of the anchor.
            y: The y-coordinate of the anchor.
            string: One or more lines of text.
            size: The size of the font in pixels.
            fill: The colour.
            anchor: The point of the text that is at (x, y): "l", "m" or "r" (left, middle, right),
                then for a single line "t", "m", "s" or "b" (top, middle, baseline, bottom); see
                https://pillow.readthedocs.io/en/stable/handbook/text-anchors.html.
        """
        self._pen.text((x * SCALE, y * SCALE), string, fill, font(size * SCALE), anchor)

    def array(self) -> np.ndarray:
        """Return the picture, [height, width, 3] uint8."""
        return np.array(self._image.reduce(SCALE))


def picture(family: "Family", record: "Record", reveal: bool = False) -> np.ndarray:
    """Return the player's view of one environment as a picture.

    Args:
        family: The task.
        record: The environment's record.
        reveal: Whether to show what is hidden from the player, too.

    Returns:
        The picture, [H, W, 3] uint8; ``family.picture_size`` is (W, H).

    Raises:
        ModuleNotFoundError: If Pillow is not installed; the message says how to install it.
        NotImplementedError: If the family draws no pictures.
    """
    canvas = Canvas(*family.picture_size)
    family.paint(canvas, record, reveal)
    return canvas.array()


def corners(left: float, top: float, right: float, bottom: float) -> list[float]:
    """Return a box for Pillow, which includes its last pixels; it has at least one pixel."""
    x, y = left * SCALE, top * SCALE
    return [x, y, max(right * SCALE - 1, x), max(bottom * SCALE - 1, y)]


def enlarged(points: Iterable[Point]) -> list[Point]:
    """Return points of the picture in the coordinates of the larger drawing."""
    return [(x * SCALE, y * SCALE) for x, y in points]


@functools.cache
def font(size: float) -> "FreeTypeFont | ImageFont":
    """Return the font that is part of Pillow, so that pictures do not depend on installed fonts."""
    return import_pillow().ImageFont.load_default(size)


def import_pillow() -> Any:
    """Import Pillow with the modules used here, and return it.

    Raises:
        ModuleNotFoundError: If it is not installed.
    """
    try:
        import PIL.Image
        import PIL.ImageDraw
        import PIL.ImageFont
    except ModuleNotFoundError as error:
        advice = "pictures are drawn with Pillow: pip install 'popgym[render]'"
        raise ModuleNotFoundError(advice, name=error.name) from error
    return PIL
