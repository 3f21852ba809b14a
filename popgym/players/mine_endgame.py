"""An exact solver of MineSweeper for positions with few possible boards.

V(B, U) is the greatest expected sum of future rewards if the boards B are possible and the squares
U are uncovered. Let n be the number of squares free of mines, and r the number of those still
covered.

- Squares that are free in all boards of B are uncovered, each for 1 / n. The numbers they show
  split B.
- If there are none, V is the greatest of two kinds of values. The first is −r / 2 (n − 2), for
  taking no more risks: uncover a known square again until the episode is truncated. The second, for
  each covered square, is −P(mine) (1/2 + 1/n) + Σ P(number) (1/n + V(boards with this number, U and
  the square)).

Uncovering free squares first loses nothing: there is a step for each of them, and their numbers
cost nothing.
"""

from collections.abc import Iterable, Sequence

Boards = tuple[int, ...]
"""Boards in ascending order, as numbers whose bit i says whether square i holds a mine."""
Answer = tuple[float, int | None]
"""The expected sum of future rewards, and the square for it; None to take no more risks."""
MAX_ANSWERS = 20_000


class Endgame:
    """The best play for positions with few possible boards; answers are cached.

    Args:
        near: The neighbours of each square, as a number with a bit for each neighbour.
        num_free: The number of squares of the board that are free of mines.
        effort: The maximum number of boards looked at for a position, where a board counts each
            time that it is looked at.
    """

    def __init__(self, near: Sequence[int], num_free: int, effort: int = 50_000) -> None:
        self.near, self.num_free, self.effort = near, num_free, effort
        self._answers: dict[tuple[Boards, int], Answer | None] = {}

    def solve(self, boards: Iterable[int], uncovered: int) -> Answer | None:
        """Return the best play and its value, or None if the effort is not sufficient.

        Args:
            boards: The possible boards, at least one.
            uncovered: The uncovered squares, as a number with a bit for each.
        """
        position = tuple(sorted(boards)), uncovered
        if position not in self._answers:
            if len(self._answers) >= MAX_ANSWERS:
                self._answers.clear()
            try:
                self._answers[position] = Search(self).best(*position)
            except TooLongError:
                self._answers[position] = None
        return self._answers[position]


class TooLongError(Exception):
    """A search has used up its effort."""


class Search:
    """One search, with a cache of its own so that its answer depends only on the position."""

    def __init__(self, game: Endgame) -> None:
        self.near, self.num_free, self._left = game.near, game.num_free, game.effort
        self._known: dict[tuple[Boards, int], Answer] = {}

    def best(self, boards: Boards, uncovered: int) -> Answer:
        """Return V and the play for it; see the top of this file."""
        position = boards, uncovered
        if position not in self._known:
            self._left -= len(boards)
            if self._left < 0:
                raise TooLongError
            mines = 0
            for board in boards:
                mines |= board
            free = [i for i in range(len(self.near)) if not (mines | uncovered) >> i & 1]
            if free:
                value = len(free) / self.num_free + self._told(boards, uncovered, free)
                self._known[position] = value, free[0]
            else:
                self._known[position] = self._guess(boards, uncovered)
        return self._known[position]

    def _guess(self, boards: Boards, uncovered: int) -> Answer:
        """Return V and the play if no square is certainly free."""
        n, all_boards = self.num_free, len(boards)
        left = n - uncovered.bit_count()
        best, choice = -0.5 * left / (n - 2), None
        for square in range(len(self.near)):
            fine = tuple(board for board in boards if not board >> square & 1)
            share = len(fine) / all_boards
            value = share / n - (1 - share) * (0.5 + 1 / n)
            hopeless = value + share * (left - 1) / n <= best
            if uncovered >> square & 1 or not fine or hopeless:
                continue
            value += share * self._told(fine, uncovered, [square])
            if value > best:
                best, choice = value, square
        return best, choice

    def _told(self, boards: Boards, uncovered: int, free: Sequence[int]) -> float:
        """Return the expected value after uncovering squares that are free in all boards."""
        uncovered |= sum(1 << square for square in free)
        if uncovered.bit_count() == self.num_free:
            return 0.0
        parts: dict[tuple[int, ...], list[int]] = {}
        for board in boards:
            told = tuple((board & self.near[square]).bit_count() for square in free)
            parts.setdefault(told, []).append(board)
        values = (len(part) * self.best(tuple(part), uncovered)[0] for part in parts.values())
        return sum(values) / len(boards)
