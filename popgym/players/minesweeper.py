"""A player of MineSweeper that computes exact odds over all boards that agree with the numbers."""

from math import prod
from typing import Any

import numpy as np

from popgym.core.family import Family
from popgym.envs.minesweeper import MineSweeperFamily
from popgym.players.mine_endgame import Endgame
from popgym.players.mine_odds import Boards, Clue, TooManyStatesError
from popgym.players.player import Player

FEW_BOARDS = 120  # up to so many are solved exactly; the easy board never has more


class MineSweeperScripted(Player):
    """Uncovers safe squares, else the one least likely mined; solves positions with few boards.

    The odds are exact: the player counts all boards that agree with every number shown. Among
    equally likely squares it takes the one whose number is most likely 0, which makes all squares
    around it safe. When at most 120 boards are left, it plays optimally. With two mines on 4 × 4
    squares this is the case from the start. If a mine would cost more than a free square can earn,
    it takes no more risks and uncovers the last square again until the episode ends.

    Counting may take too many states on boards much larger than those of the presets. Then the odds
    are estimated, see ``rough_odds``.
    """

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        assert isinstance(task, MineSweeperFamily)
        self.columns = task.dims[1]
        near = neighbours(*task.dims)
        solver = Endgame([sum(1 << square for square in its) for its in near], task.params["clear"])
        self.boards = [Board(near, task.num_mines, solver) for _ in range(num_envs)]

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Record the numbers and choose squares; see ``Player.act``."""
        for board, number, is_first in zip(self.boards, obs.tolist(), start, strict=True):
            if is_first:
                board.begin()
            else:
                board.tell(number)
        return np.array([divmod(board.choose(), self.columns) for board in self.boards])


class Board:
    """What is known of one board, whose squares are numbered row by row.

    Args:
        near: The neighbours of each square.
        num_mines: The number of mines.
        solver: The solver for positions with few possible boards.
    """

    def __init__(self, near: list[frozenset[int]], num_mines: int, solver: Endgame) -> None:
        self.near, self.num_mines, self.solver = near, num_mines, solver
        self.num_free = len(near) - num_mines
        self.begin()

    def begin(self) -> None:
        """Forget everything."""
        self.told: dict[int, int] = {}
        self.safe: list[int] = []
        self.last, self.has_stopped = 0, False

    def tell(self, number: int) -> None:
        """Record how many mines lie around the last square."""
        self.told[self.last] = number

    def choose(self) -> int:
        """Return the square to uncover next."""
        if not self.has_stopped:
            if not self.safe:
                self.safe = self.think()
            if self.safe:
                self.last = self.safe.pop()
            else:
                self.has_stopped = True
        return self.last

    def think(self) -> list[int]:
        """Return the squares to uncover next: all safe ones, else the one to risk, if any."""
        covered = [square for square in range(len(self.near)) if square not in self.told]
        clues = self.clues(covered)
        boards: Boards | None = None
        try:
            boards = Boards(covered, clues, self.num_mines)
        except TooManyStatesError:
            odds = rough_odds(covered, clues, self.num_mines)
        else:
            if boards.total == 0:
                return []  # the episode is over: the last number is that of a mine's square
            odds = boards.odds()
        safe = [square for square in covered if odds[square] == 0]
        return safe or self.risk(odds, boards)

    def clues(self, covered: list[int]) -> list[Clue]:
        """Return what the numbers say about covered squares."""
        still = frozenset(covered)
        clues = {self.near[square] & still: number for square, number in self.told.items()}
        return [(squares, number) for squares, number in clues.items() if squares]

    def risk(self, odds: dict[int, float], boards: Boards | None) -> list[int]:
        """Return the square to risk, or none."""
        if boards is not None and boards.total <= FEW_BOARDS:
            uncovered = sum(1 << square for square in self.told)
            solved = self.solver.solve(boards.list_all(), uncovered)
            if solved is not None:
                return [] if solved[1] is None else [solved[1]]
        square = min(odds, key=lambda square: (round(odds[square], 9), -self.zero(square, odds)))
        left, n = self.num_free - len(self.told), self.num_free
        # Compare risking only this square with taking no risk at all.
        risked = (1 - odds[square]) * (1 / n - (left - 1) * 0.5 / (n - 2))
        risked -= odds[square] * (0.5 + 1 / n)
        return [square] if risked >= -left * 0.5 / (n - 2) else []

    def zero(self, square: int, odds: dict[int, float]) -> float:
        """Return about how likely a square has no mine around it."""
        return prod(1 - odds[other] for other in self.near[square] if other in odds)


def rough_odds(covered: list[int], clues: list[Clue], num_mines: int) -> dict[int, float]:
    """Estimate odds from one clue at a time.

    The odds of a square are 0 if a clue says that it is safe, else the greatest share of mines
    among its clues.
    """
    odds = dict.fromkeys(covered, num_mines / len(covered))
    in_clues: dict[int, list[float]] = {}
    for squares, mines in clues:
        for square in squares:
            in_clues.setdefault(square, []).append(mines / len(squares))
    for square, shares in in_clues.items():
        odds[square] = 0.0 if min(shares) == 0 else max(shares)
    return odds


def neighbours(rows: int, columns: int) -> list[frozenset[int]]:
    """Return the up to eight neighbours of each square, numbered row by row."""
    return [
        frozenset(
            i * columns + j
            for i in range(max(y - 1, 0), min(y + 2, rows))
            for j in range(max(x - 1, 0), min(x + 2, columns))
            if (i, j) != (y, x)
        )
        for y in range(rows)
        for x in range(columns)
    ]
