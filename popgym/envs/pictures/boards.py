"""Parts of pictures of boards and mazes: squares, their numbers, and signs on them."""

from typing import NamedTuple

from popgym.render.canvas import Canvas
from popgym.render.palette import GREY, INK, YELLOW, Color

SIZE = (400, 440)
"""The size of a picture of a board with any number of rows and columns."""
TOP, EDGE = 56, 28
"""The room above a board for a line of text, and around it for the numbers."""


class Board(NamedTuple):
    """A board of squares, centred in a picture and as large as possible."""

    rows: int
    columns: int
    gap: float = 1
    """The distance between squares, in pixels."""

    @property
    def side(self) -> float:
        """The width and height of a square, in pixels."""
        return min(80.0, (SIZE[0] - 2 * EDGE) / max(self.rows, self.columns))

    def corner(self, y: int, x: int) -> tuple[float, float]:
        """Return the upper left corner of a square, in pixels from the left and from the top."""
        left = SIZE[0] / 2 - self.side * self.columns / 2
        top = (TOP + SIZE[1]) / 2 - self.side * self.rows / 2
        return left + self.side * x, top + self.side * y

    def middle(self, y: int, x: int) -> tuple[float, float]:
        """Return the middle of a square, in pixels from the left and from the top."""
        left, top = self.corner(y, x)
        return left + self.side / 2, top + self.side / 2

    def number(self, canvas: Canvas) -> None:
        """Number the rows on the left and the columns above, unless the squares are too small."""
        size = min(14, 0.8 * self.side)
        if size < 6:
            return
        for y in range(self.rows):
            canvas.text(self.corner(y, 0)[0] - 8, self.middle(y, 0)[1], str(y), size, GREY, "rm")
        for x in range(self.columns):
            canvas.text(self.middle(0, x)[0], self.corner(0, x)[1] - 8, str(x), size, GREY, "mb")

    def square(
        self, canvas: Canvas, y: int, x: int, fill: Color, mark: str = "", ink: Color = INK
    ) -> None:
        """Paint a square with a short text on it."""
        gap = self.gap if self.side >= 8 else 0
        left, top = self.corner(y, x)
        side, radius = self.side - gap, self.side / 10 if gap else 0
        canvas.rectangle(left + gap / 2, top + gap / 2, side, side, fill, None, radius)
        if mark:
            canvas.text(*self.middle(y, x), mark, 0.6 * self.side, ink)

    def edge(self, canvas: Canvas) -> None:
        """Paint a thin line around the board; call this after all squares."""
        (left, top), side = self.corner(0, 0), self.side
        box = (left - 1, top - 1, side * self.columns + 2, side * self.rows + 2)
        canvas.rectangle(*box, None, GREY)

    def frame(self, canvas: Canvas, y: int, x: int) -> None:
        """Highlight a square by a frame; call this after all squares."""
        (left, top), (right, bottom) = self.corner(y, x), self.corner(y + 1, x + 1)
        around = [(left, top), (right, top), (right, bottom), (left, bottom)]
        canvas.line([*around, *around[:2]], max(3, self.side / 10), YELLOW)

    def disc(self, canvas: Canvas, y: int, x: int, share: float, fill: Color) -> None:
        """Paint a disc on a square; its diameter is ``share`` of the square's width."""
        canvas.circle(*self.middle(y, x), share * self.side / 2, fill)

    def cross(self, canvas: Canvas, y: int, x: int, fill: Color) -> None:
        """Paint a diagonal cross on a square."""
        (x0, y0), r = self.middle(y, x), 0.25 * self.side
        for way in (-1, 1):
            ends = [(x0 - r, y0 - way * r), (x0 + r, y0 + way * r)]
            canvas.line(ends, max(self.side / 8, 1), fill)
