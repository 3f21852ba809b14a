"""The line at the top of pictures that shows the progress of the episode."""

from popgym.render.canvas import Canvas
from popgym.render.palette import BLUE, INK, LIGHT

MARGIN = 20
"""The distance of the line from the picture's edges, in pixels."""


def progress(canvas: Canvas, text: str, done: int, of: int, note: str = "") -> None:
    """Paint a line of text at the top, with a bar below it for the progress of the episode."""
    right = canvas.width - MARGIN
    canvas.text(MARGIN, 21, text, 18, INK, "lm")
    canvas.text(right, 21, note, 18, INK, "rm")
    canvas.rectangle(MARGIN, 38, right - MARGIN, 6, LIGHT, None, 3)
    canvas.rectangle(MARGIN, 38, (right - MARGIN) * done / of, 6, BLUE, None, 3)
