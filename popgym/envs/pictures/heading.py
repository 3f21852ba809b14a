"""The line at the top of pictures, which tells how far the episode is."""

from popgym.render.canvas import Canvas
from popgym.render.palette import BLUE, INK, LIGHT

MARGIN = 20
"""How far from the picture's edges it stays, in pixels."""


def progress(canvas: Canvas, text: str, done: int, of: int, note: str = "") -> None:
    """A line at the top that tells how far the episode is, with a bar below it."""
    right = canvas.width - MARGIN
    canvas.text(MARGIN, 21, text, 18, INK, "lm")
    canvas.text(right, 21, note, 18, INK, "rm")
    canvas.rectangle(MARGIN, 38, right - MARGIN, 6, LIGHT, None, 3)
    canvas.rectangle(MARGIN, 38, (right - MARGIN) * done / of, 6, BLUE, None, 3)
