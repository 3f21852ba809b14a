"""Uncover the squares without mines and remember them."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete

from popgym.core.arguments import one_of, whole_number, whole_pair
from popgym.core.family import Family
from popgym.core.hidden import Flags
from popgym.core.kernel import Rules
from popgym.core.random import integer
from popgym.core.rules import Record, rule
from popgym.envs.pictures.boards import SIZE, Board
from popgym.envs.pictures.heading import progress
from popgym.render.canvas import Canvas
from popgym.render.palette import BLUE, GREEN, INK, LILAC, ORANGE, PURPLE, RED, WHITE
from popgym.render.text import TextBoard

BOARDS = {"easy": ((4, 4), 2), "medium": ((6, 6), 6), "hard": ((8, 8), 10)}
"""Difficulty → rows and columns, and the number of mines."""
INKS = (INK, BLUE, GREEN, RED, PURPLE, ORANGE, INK, INK, INK, INK)
"""The colours of the numbers 0 to 9."""


class HiddenSquare(IntEnum):
    """The values of squares in ``env.hidden_grid``."""

    CLEAR, MINE, VIEWED = range(3)


@rule
def sample(s: Record, p: Record) -> None:
    """Lay the mines; all sets of squares are equally likely."""
    s.mines[:] = 0
    laid = 0
    while laid < p.num_mines:
        y, x = integer(s, s.mines.shape[0]), integer(s, s.mines.shape[1])
        if s.mines[y, x] == 0:
            s.mines[y, x] = 1
            laid += 1


@rule
def reset(s: Record, p: Record) -> None:
    """Cover every square."""
    s.viewed[:] = 0
    s.num_viewed = s.steps = 0


@rule
def step(s: Record, p: Record, square: Any) -> Any:
    """Uncover a square."""
    y, x = square[0], square[1]
    s.steps += 1
    s.click[0], s.click[1] = y, x
    if s.mines[y, x]:
        return p.mine, True, False
    reward = p.again if s.viewed[y, x] else p.new
    s.num_viewed += 1 - s.viewed[y, x]
    s.viewed[y, x] = 1
    won = s.num_viewed == p.clear
    return reward, won, s.steps == p.clear and not won


@rule
def observe(s: Record, p: Record, obs: Any) -> None:
    """Write the number of mines on and around the square just uncovered; 0 before the first."""
    obs[0] = mines_around(s.mines, s.click[0], s.click[1]) if s.steps > 0 else 0


@rule
def mines_around(mines: Any, y: int, x: int) -> Any:
    """Return the number of mines on a square and its up to eight neighbours."""
    count = 0
    for i in range(max(y - 1, 0), min(y + 2, mines.shape[0])):
        for j in range(max(x - 1, 0), min(x + 2, mines.shape[1])):
            count += mines[i, j]
    return count


class MineSweeperFamily(Family):
    """Each step uncovers a square and shows only how many mines are on and around it.

    Let n be the number of squares without a mine. Uncovering such a square earns 1 / n the first
    time, and −0.5 / (n − 2) after that. A mine earns −0.5 − 1 / n and ends the episode. The episode
    is won when all n squares are uncovered, and is truncated after n steps. So a player wins only
    if it uncovers no square twice.

    Args:
        difficulty: "easy", "medium" or "hard": decides ``dims`` and ``num_mines`` where they are
            not given.
        dims: The numbers of rows and columns.
        num_mines: The number of mines; at least three squares must be free of them.

    The random players were run for 3,000 episodes each on POPGym 1.0.7.
    """

    rules = Rules(sample, reset, step, observe)
    presets: ClassVar = {level.capitalize(): {"difficulty": level} for level in BOARDS}
    group = "GAME"
    obs_requires_prev_action = True
    views: ClassVar = {
        "hidden_grid": lambda task, s: s["mines"] + 2 * s["viewed"],
        "success_reward_scale": lambda task, s: task.params["new"],
        "fail_reward_scale": lambda task, s: task.params["mine"],
        "bad_action_reward_scale": lambda task, s: task.params["again"],
    }
    picture_size = SIZE

    def __init__(
        self,
        difficulty: str = "easy",
        dims: Sequence[int] | None = None,
        num_mines: int | None = None,
    ) -> None:
        usual_dims, usual_mines = BOARDS[one_of("difficulty", difficulty, BOARDS)]
        rows, columns = self.dims = whole_pair("dims", usual_dims if dims is None else dims, 1)
        squares = rows * columns
        if squares < 3:
            raise ValueError(f"dims must give at least 3 squares, got {self.dims}")
        given = usual_mines if num_mines is None else num_mines
        self.num_mines = whole_number("num_mines", given, 0, squares - 3)
        clear = squares - self.num_mines
        self.observation_space = Discrete(min(self.num_mines + 1, 10))
        self.action_space = MultiDiscrete([rows, columns])
        self.text_board = TextBoard(columns)
        self.state_space = MultiDiscrete([3] * squares)
        self.max_episode_length = clear
        self.return_bounds = (-1.0, 1.0)
        self.params = {"num_mines": self.num_mines, "clear": clear, "new": 1 / clear}
        self.params.update(again=-0.5 / (clear - 2), mine=-0.5 - 1 / clear)
        board = (np.int8, (rows, columns))
        self.fields = {"mines": board, "viewed": board, "click": (np.int32, (2,))}
        self.fields.update(num_viewed=np.int32, steps=np.int32)
        self.hidden = {"mines": Flags((rows, columns))}

    def check_hidden(self, hidden: dict[str, np.ndarray]) -> None:
        """Check that each board has as many mines as the task.

        Args:
            hidden: The values of each hidden field, [n, ...].

        Raises:
            ValueError: If a board has more or fewer mines.
        """
        counts = hidden["mines"].sum(axis=(1, 2))
        wrong = counts[counts != self.num_mines]
        if wrong.size:
            raise ValueError(f"hidden['mines'] must contain {self.num_mines} ones, got {wrong[0]}")

    def state(self, records: np.ndarray) -> Any:
        """Return each square, row by row: 0 free and covered, 1 a mine, 2 uncovered."""
        squares = records["mines"].astype(np.int64) + 2 * records["viewed"]
        return squares.reshape(len(squares), -1)

    def draw(self, record: Record, reveal: bool = False) -> str:
        """Draw the square just uncovered; with ``reveal`` also the other squares and the mines."""
        told = f"{self.num_mines} mines   step {record['steps']} of {self.max_episode_length}"
        if record["steps"] > 0:
            told += "   row {}, column {}".format(*record["click"])
        return "\n".join([*(" ".join(row) for row in signs(record, reveal)), told])

    def paint(self, canvas: Canvas, record: Record, reveal: bool = False) -> None:
        """Paint the square just uncovered; with ``reveal`` also the other squares and the mines."""
        steps, limit = record["steps"].item(), self.max_episode_length
        last = tuple(record["click"].tolist()) if steps > 0 else None
        progress(canvas, f"step {steps} of {limit}", steps, limit, f"{self.num_mines} mines")
        board = Board(*self.dims)
        board.number(canvas)
        for (y, x), sign in np.ndenumerate(signs(record, reveal)):
            if sign == "·":
                board.square(canvas, y, x, BLUE)
            elif sign == "*":
                board.square(canvas, y, x, RED if (y, x) == last else LILAC)
                board.disc(canvas, y, x, 0.5, INK if (y, x) == last else PURPLE)
            else:
                board.square(canvas, y, x, WHITE, sign, INKS[int(sign)])
        if last:
            board.frame(canvas, *last)


def signs(record: Record, reveal: bool) -> np.ndarray:
    """Return what each square shows.

    Args:
        record: The record of one environment.
        reveal: Whether to show all uncovered squares and the mines.

    Returns:
        [rows, columns] of numbers of mines as text, "*" for a mine and "·" for a covered square.
    """
    mines = record["mines"]
    shown = (record["viewed"] + mines > 0) & reveal
    if record["steps"] > 0:
        shown[tuple(record["click"])] = True
    squares = np.full(mines.shape, "·")
    for y, x in np.argwhere(shown):
        squares[y, x] = "*" if mines[y, x] else str(mines_around(mines, y, x))
    return squares
