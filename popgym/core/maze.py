"""Mazes by Hunt-and-Kill, and ways through them.

A maze of m × n cells is a board of 2 m + 1 rows and 2 n + 1 columns: cells lie at odd rows and
columns, walls or passages between them, and a border around all. Hunt-and-Kill (described by
Buck, "Mazes for Programmers", 2015, chapter 5) walks at random from cell to uncarved cell until
it is stuck, then hunts for a carved cell to walk on from. POPGym hunts by looking at random
cells, and gives up after as many looks as the board has squares.
"""

from typing import Any, NamedTuple

import numpy as np

from popgym.core.random import integer
from popgym.core.rules import Record, rule

FREE, WALL = 0, 1


@rule
def carve(s: Record, walls: Any, hunt_on: bool) -> None:
    """Carves a maze into a board.

    Args:
        s: The record, for its random numbers.
        walls: [rows, columns], set to 0 or 1; the border stays closed.
        hunt_on: Whether to hunt until every cell is carved, however long it takes. Otherwise
            20 to 60 mazes in a million keep uncarved cells.
    """
    walls[:] = WALL
    cells, looks = (walls.shape[0] // 2) * (walls.shape[1] // 2), walls.size
    y, x = odd(s, walls.shape[0]), odd(s, walls.shape[1])
    walls[y, x] = FREE
    carved = 1 + walk(s, walls, y, x)
    while carved < cells and (hunt_on or looks > 0):
        y, x = odd(s, walls.shape[0]), odd(s, walls.shape[1])
        if walls[y, x] == FREE:
            carved += walk(s, walls, y, x)
        looks -= 1


@rule
def odd(s: Record, side: int) -> Any:
    """The row or column of a random cell."""
    return 1 + 2 * integer(s, side // 2)


@rule
def walk(s: Record, walls: Any, y: int, x: int) -> Any:
    """Walks from a cell to random uncarved neighbours until it is stuck; how many it carved."""
    bottom, right = walls.shape[0] - 2, walls.shape[1] - 2
    carved = 0
    while True:
        up = int(y > 1 and walls[y - 2, x] == WALL)
        down = int(y < bottom and walls[y + 2, x] == WALL)
        before = int(x > 1 and walls[y, x - 2] == WALL)
        behind = int(x < right and walls[y, x + 2] == WALL)
        ways = up + down + before + behind
        if ways == 0:
            return carved
        pick, dy, dx = integer(s, ways), 0, 0
        if pick < up + down:
            dy = -1 if pick < up else 1
        else:
            dx = -1 if pick < up + down + before else 1
        walls[y + dy, x + dx] = FREE
        y, x = y + 2 * dy, x + 2 * dx
        walls[y, x] = FREE
        carved += 1


@rule
def place_doors(s: Record, rows: int, columns: int, start: Any, goal: Any) -> None:
    """Draws a start (row, column) on a random side of the border, and a goal on the opposite."""
    side = integer(s, 4)
    across, size, depth = (1, columns, rows) if side < 2 else (0, rows, columns)
    start[across], goal[across] = odd(s, size), odd(s, size)
    near = side % 2 == 0
    start[1 - across] = 0 if near else depth - 1
    goal[1 - across] = depth - 1 if near else 0


def reachable(free: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The squares that can be reached from a start by steps to the four neighbours.

    Args:
        free: [n, rows, columns] bool, where one can go; the starts are free.
        start: [n, 2], row and column.

    Returns:
        [n, rows, columns] bool.
    """
    reached = np.zeros_like(free)
    reached[np.arange(len(free)), start[:, 0], start[:, 1]] = True
    while True:
        grown = reached.copy()
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        grown[:, :, 1:] |= reached[:, :, :-1]
        grown[:, :, :-1] |= reached[:, :, 1:]
        grown &= free
        if (grown == reached).all():
            return reached
        reached = grown


class Maze(NamedTuple):
    """A maze as POPGym 1's `env.maze`."""

    grid: np.ndarray
    """[rows, columns], what each square is."""
    start: tuple[int, int]
    end: tuple[int, int]


def pair(square: np.ndarray) -> tuple[int, int]:
    """The row and column of a square."""
    row, column = square.tolist()
    return row, column
