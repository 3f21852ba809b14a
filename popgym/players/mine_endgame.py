"""MineSweeper solved exactly, once few boards are left that agree with what was told.

V(B, U) is the most that can still be earned when the boards B are possible and the squares U are
uncovered. With n squares free of mines on the board and r of them covered:

- squares that are free in all of B are uncovered, each for 1 / n, and the numbers told split B;
- else V is the greatest of −r / 2 (n − 2), for not risking anything more and uncovering a square
  seen before until the episode is truncated, and, over all covered squares, of
  −P(mine) (1/2 + 1/n) + Σ P(number told) (1/n + V(boards that tell it, U and the square)).

Free squares first loses nothing, as there is a step for each of them and the numbers are free.
"""

from collections.abc import Iterable, Sequence

Boards = tuple[int, ...]
"""Boards as numbers whose bit i says whether square i holds a mine, in ascending order."""
Answer = tuple[float, int | None]
"""The expected sum of the rewards to come, and the square for it; None to risk nothing more."""
MAX_ANSWERS = 20_000


class Endgame:
    """The best play for positions with few boards; answers are kept.

    Args:
        near: For each square its neighbours, as a number with a bit for each.
        num_free: How many squares of the board are free of mines.
        effort: How many boards to look at for a position, each time that one is looked at.
    """

    def __init__(self, near: Sequence[int], num_free: int, effort: int = 50_000) -> None:
        self.near, self.num_free, self.effort = near, num_free, effort
        self._answers: dict[tuple[Boards, int], Answer | None] = {}

    def solve(self, boards: Iterable[int], uncovered: int) -> Answer | None:
        """The best play and its worth; None if the effort does not suffice.

        Args:
            boards: The possible ones, at least one.
            uncovered: The squares uncovered, as a number with a bit for each.
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
    """A search has spent its effort."""


class Search:
    """One search; it starts without memory, so that its answer depends on the position alone."""

    def __init__(self, game: Endgame) -> None:
        self.near, self.num_free, self._left = game.near, game.num_free, game.effort
        self._known: dict[tuple[Boards, int], Answer] = {}

    def best(self, boards: Boards, uncovered: int) -> Answer:
        """V and the play for it; see above."""
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
        """The same where no square is certainly free."""
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
        """The value expected behind uncovering squares that are free in all of the boards."""
        uncovered |= sum(1 << square for square in free)
        if uncovered.bit_count() == self.num_free:
            return 0.0
        parts: dict[tuple[int, ...], list[int]] = {}
        for board in boards:
            told = tuple((board & self.near[square]).bit_count() for square in free)
            parts.setdefault(told, []).append(board)
        values = (len(part) * self.best(tuple(part), uncovered)[0] for part in parts.values())
        return sum(values) / len(boards)
