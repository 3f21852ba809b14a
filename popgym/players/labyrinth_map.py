"""A map of a maze, drawn while walking through it.

Squares are numbered from the start: `(ahead, aside)`, how far into the maze from the border on
which the start lies, and how far along it. So the start is (0, 0) on whatever side it is, cells
lie where `ahead` is odd and `aside` even, and the goal where `ahead` is the maze's depth.
"""

from collections.abc import Iterator, Sequence

from popgym.core.maze import FREE, WALL
from popgym.envs.labyrinth_rules import DOWN, LEFT, RIGHT, START, UP

Square = tuple[int, int]
STEPS = {LEFT: (0, -1), RIGHT: (0, 1), UP: (-1, 0), DOWN: (1, 0)}  # rows and columns


class Map:
    """What was seen of one maze.

    Args:
        maze_dims: Rows and columns of the maze, without the last ones of border.
        view: The nine squares seen at the start, row by row.
    """

    squares: dict[Square, int]
    """What each square that was seen is."""
    visited: set[Square]
    """Where one was."""
    here: Square
    """Where one is."""
    depth: int
    """How far ahead the other side is; 0 if there is no way into the maze."""

    def __init__(self, maze_dims: Sequence[int], view: Sequence[int]) -> None:
        # Of published oblong mazes one may see walls alone; then one can but take it for centred.
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
        """A difference of rows and columns as one of `ahead` and `aside`."""
        along, across = STEPS[self.inward]
        return (down * along, right) if along else (right * across, down)

    def note(self, view: Sequence[int], row: int = 1, column: int = 1) -> bool:
        """Notes what is seen, oneself being at a row and column of it.

        Returns:
            Whether anything was new.
        """
        known = len(self.squares)
        for i in range(max(row - 1, 0), min(row + 2, 3)):
            for j in range(max(column - 1, 0), min(column + 2, 3)):
                ahead, aside = self.turned(i - row, j - column)
                square = self.here[0] + ahead, self.here[1] + aside
                self.squares.setdefault(square, view[3 * i + j])
        return len(self.squares) > known

    def go(self, square: Square) -> int:
        """Goes to a free square next to here; the action for it."""
        step = square[0] - self.here[0], square[1] - self.here[1]
        self.here = square
        self.visited.add(square)
        return self.moves[step]

    def around(self, square: Square) -> Iterator[Square]:
        """The four squares beside one."""
        for ahead, aside in self.moves:
            yield square[0] + ahead, square[1] + aside

    def ways(self) -> dict[Square, Square]:
        """All squares that can be come to by known ones, nearest first, and from where."""
        before, todo = {self.here: self.here}, [self.here]
        for square in todo:
            for beside in self.around(square):
                if beside not in before and self.squares.get(beside, WALL) != WALL:
                    before[beside] = square
                    todo.append(beside)
        return before

    def may_be_free(self, square: Square) -> bool:
        """Whether a square is not known and may be a passage, a cell or the goal."""
        ahead, aside = square
        inside = 0 < ahead < self.depth or (ahead == self.depth and aside % 2 == 0)
        return square not in self.squares and inside and (ahead % 2 == 1 or aside % 2 == 0)


def way_to(square: Square, before: dict[Square, Square]) -> list[Square]:
    """The shortest way to a square from here, last square first, without here."""
    way = []
    while before[square] != square:
        way.append(square)
        square = before[square]
    return way
