"""MineSweeper by exact odds over all boards that agree with what was told."""

from math import prod
from typing import Any

import numpy as np

from popgym.core.family import Family
from popgym.envs.minesweeper import MineSweeperFamily
from popgym.players.mine_endgame import Endgame
from popgym.players.mine_odds import Boards, Clue, TooManyStatesError
from popgym.players.player import Player

FEW_BOARDS = 120  # so many can be solved exactly; there are never more on the easy board


class MineSweeperScripted(Player):
    """Uncovers what is safe, else the square least likely mined; few boards left: solves them.

    The odds are exact: all boards that agree with every number told are counted. Among equally
    likely squares it takes the one whose number is most likely 0, which makes all around safe.
    Once at most 120 boards are left it plays the best way there is, which holds for the whole
    game with two mines on 4 × 4 squares. Where a mine would cost more than a free square can
    earn, it takes no more risks and uncovers the last square again until the episode ends.

    Should counting take too many states, as it may on much larger boards than the presets', a
    square's odds are the greatest share of mines among its clues.
    """

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        assert isinstance(task, MineSweeperFamily)
        self.columns = task.dims[1]
        near = neighbours(*task.dims)
        solver = Endgame([sum(1 << square for square in its) for its in near], task.params["clear"])
        self.boards = [Board(near, task.num_mines, solver) for _ in range(num_envs)]

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Notes the numbers and chooses squares."""
        for board, number, is_first in zip(self.boards, obs.tolist(), start, strict=True):
            if is_first:
                board.begin()
            else:
                board.tell(number)
        return np.array([divmod(board.choose(), self.columns) for board in self.boards])


class Board:
    """What is known of one board, squares being numbered row by row.

    Args:
        near: The neighbours of each square.
        num_mines: How many mines there are.
        solver: For when few boards are left.
    """

    def __init__(self, near: list[frozenset[int]], num_mines: int, solver: Endgame) -> None:
        self.near, self.num_mines, self.solver = near, num_mines, solver
        self.num_free = len(near) - num_mines
        self.begin()

    def begin(self) -> None:
        """Forgets everything."""
        self.told: dict[int, int] = {}
        self.safe: list[int] = []
        self.last, self.has_stopped = 0, False

    def tell(self, number: int) -> None:
        """Notes how many mines lie around the last square."""
        self.told[self.last] = number

    def choose(self) -> int:
        """The square to uncover next."""
        if not self.has_stopped:
            if not self.safe:
                self.safe = self.think()
            if self.safe:
                self.last = self.safe.pop()
            else:
                self.has_stopped = True
        return self.last

    def think(self) -> list[int]:
        """The squares to uncover next: all safe ones, else the one to risk, if any."""
        covered = [square for square in range(len(self.near)) if square not in self.told]
        clues = self.clues(covered)
        boards: Boards | None = None
        try:
            boards = Boards(covered, clues, self.num_mines)
        except TooManyStatesError:
            odds = rough_odds(covered, clues, self.num_mines)
        else:
            if boards.total == 0:
                return []  # the episode was lost, and the number that of the mine's square
            odds = boards.odds()
        safe = [square for square in covered if odds[square] == 0]
        return safe or self.risk(odds, boards)

    def clues(self, covered: list[int]) -> list[Clue]:
        """What the numbers say of covered squares."""
        still = frozenset(covered)
        clues = {self.near[square] & still: number for square, number in self.told.items()}
        return [(squares, number) for squares, number in clues.items() if squares]

    def risk(self, odds: dict[int, float], boards: Boards | None) -> list[int]:
        """The square to risk, or none."""
        if boards is not None and boards.total <= FEW_BOARDS:
            uncovered = sum(1 << square for square in self.told)
            solved = self.solver.solve(boards.list_all(), uncovered)
            if solved is not None:
                return [] if solved[1] is None else [solved[1]]
        square = min(odds, key=lambda square: (round(odds[square], 9), -self.zero(square, odds)))
        left, n = self.num_free - len(self.told), self.num_free
        # To risk this square and then no more, against no risk at all.
        risked = (1 - odds[square]) * (1 / n - (left - 1) * 0.5 / (n - 2))
        risked -= odds[square] * (0.5 + 1 / n)
        return [square] if risked >= -left * 0.5 / (n - 2) else []

    def zero(self, square: int, odds: dict[int, float]) -> float:
        """About how likely a square has no mine around."""
        return prod(1 - odds[other] for other in self.near[square] if other in odds)


def rough_odds(covered: list[int], clues: list[Clue], num_mines: int) -> dict[int, float]:
    """Odds from one clue at a time: never too low by what a single clue says."""
    odds = dict.fromkeys(covered, num_mines / len(covered))
    in_clues: dict[int, list[float]] = {}
    for squares, mines in clues:
        for square in squares:
            in_clues.setdefault(square, []).append(mines / len(squares))
    for square, shares in in_clues.items():
        odds[square] = 0.0 if min(shares) == 0 else max(shares)
    return odds


def neighbours(rows: int, columns: int) -> list[frozenset[int]]:
    """The up to eight neighbours of each square, numbered row by row."""
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
