"""A map of a maze that is drawn while walking through it.

The coordinates ``(ahead, aside)`` of a square count from the start: ``ahead`` is the distance into
the maze from the border on which the start lies, ``aside`` is the distance along this border. So
the start is (0, 0) on any side, the cells have odd ``ahead`` and even ``aside``, and ``ahead`` of
the goal is the depth of the maze.
"""

from collections.abc import Iterator, Sequence

from popgym.core.maze import FREE, WALL
from popgym.envs.labyrinth_rules import DOWN, LEFT, RIGHT, START, UP

Square = tuple[int, int]
STEPS = {LEFT: (0, -1), RIGHT: (0, 1), UP: (-1, 0), DOWN: (1, 0)}  # rows and columns


class Map:
    """The part of one maze that has been seen.

    Args:
        maze_dims: Rows and columns of the maze without the last row and column of its border.
        view: The nine squares seen at the start, row by row.
    """

    squares: dict[Square, int]
    """What each seen square is."""
    visited: set[Square]
    """The squares that the player has visited."""
    here: Square
    """The square of the player."""
    depth: int
    """``ahead`` of the opposite side; 0 if there is no way into the maze."""

    def __init__(self, maze_dims: Sequence[int], view: Sequence[int]) -> None:
        # In published mazes that are not square all may look like walls; assume a centred view.
        row, column = divmod(view.index(START), 3) if START in view else (1, 1)
        self.squares, self.here, self.visited = {}, (0, 0), {(0, 0)}
        self.depth, self.inward = 0, UP
        for way, (down, right) in STEPS.items():
            y, x = row + down, column + right
            if 0 <= y < 3 and 0 <= x < 3 and view[3 * y + x] == FREE:
                self.inward = way
                self.depth = maze_dims[0] if down else maze_dims[1]
        self.moves = {self.turned(*step): way for way, step in STEPS.items()}
        self.note(view, row, column)

    def turned(self, down: int, right: int) -> Square:
        """Convert a difference of rows and columns to one of ``ahead`` and ``aside``."""
        along, across = STEPS[self.inward]
        return (down * along, right) if along else (right * across, down)

    def note(self, view: Sequence[int], row: int = 1, column: int = 1) -> bool:
        """Record what is seen.

        Args:
            view: The nine squares in view, row by row.
            row: The row of the player in this view.
            column: The column of the player in this view.

        Returns:
            Whether a square was new.
        """
        known = len(self.squares)
        for i in range(max(row - 1, 0), min(row + 2, 3)):
            for j in range(max(column - 1, 0), min(column + 2, 3)):
                ahead, aside = self.turned(i - row, j - column)
                square = self.here[0] + ahead, self.here[1] + aside
                self.squares.setdefault(square, view[3 * i + j])
        return len(self.squares) > known

    def go(self, square: Square) -> int:
        """Move to a free square next to the player and return the action for it."""
        step = square[0] - self.here[0], square[1] - self.here[1]
        self.here = square
        self.visited.add(square)
        return self.moves[step]

    def around(self, square: Square) -> Iterator[Square]:
        """Yield the four neighbours of a square."""
        for ahead, aside in self.moves:
            yield square[0] + ahead, square[1] + aside

    def ways(self) -> dict[Square, Square]:
        """Return the squares that can be reached over known squares.

        Returns:
            Square → the square before it on a shortest way, nearest first.
        """
        before, todo = {self.here: self.here}, [self.here]
        for square in todo:
            for beside in self.around(square):
                if beside not in before and self.squares.get(beside, WALL) != WALL:
                    before[beside] = square
                    todo.append(beside)
        return before

    def may_be_free(self, square: Square) -> bool:
        """Return whether a square is unknown and may be a passage, a cell or the goal."""
        ahead, aside = square
        inside = 0 < ahead < self.depth or (ahead == self.depth and aside % 2 == 0)
        return square not in self.squares and inside and (ahead % 2 == 1 or aside % 2 == 0)


def way_to(square: Square, before: dict[Square, Square]) -> list[Square]:
    """Return the shortest way to a square, last square first, without the player's square."""
    way = []
    while before[square] != square:
        way.append(square)
        square = before[square]
    return way
