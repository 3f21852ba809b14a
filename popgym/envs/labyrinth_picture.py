"""Text and pictures of mazes, which both labyrinth families share."""

import numpy as np

from popgym.core.maze import FREE, WALL, pair
from popgym.core.rules import Record
from popgym.envs.labyrinth_rules import GOAL, START, WAYS, look
from popgym.envs.pictures.boards import Board
from popgym.envs.pictures.heading import progress
from popgym.render.canvas import Canvas
from popgym.render.palette import GREEN, INK, ORANGE, SKY, WHITE, YELLOW

SEEN, AGENT = 4, 5  # besides FREE, WALL, START and GOAL: visited squares, and the agent's
TEXTS = np.array(["  ", "██", "SS", "GG", "··", "@@"])
COLORS, MARKS = (WHITE, INK, GREEN, YELLOW, SKY, WHITE), ("", "", "S", "G", "", "")


def as_text(squares: np.ndarray) -> str:
    """Return squares as text, one line a row.

    Args:
        squares: [rows, columns] of FREE, WALL, START, GOAL, SEEN and AGENT.
    """
    return "\n".join("".join(row) for row in TEXTS[squares])


def paint_board(canvas: Canvas, squares: np.ndarray) -> None:
    """Paint squares and the agent.

    Args:
        canvas: The canvas to draw on.
        squares: [rows, columns] of FREE, WALL, START, GOAL, SEEN and AGENT.
    """
    board = Board(*squares.shape, gap=0)
    for (y, x), square in np.ndenumerate(squares):
        board.square(canvas, y, x, COLORS[square], MARKS[square])
        if square == AGENT:
            board.disc(canvas, y, x, 0.6, ORANGE)
    board.edge(canvas)


def paint_heading(canvas: Canvas, record: Record, limit: int) -> None:
    """Paint the step, of at most ``limit``, and the last move."""
    steps = record["steps"].item()
    told = f"last move: {WAYS[record['last']]}"
    progress(canvas, f"step {steps} of {limit}", steps, limit, told)


def squares_in_view(record: Record, centered: bool) -> np.ndarray:
    """Return the nine squares that the agent sees.

    Args:
        record: The record of one environment.
        centered: Whether the agent is always in the centre.

    Returns:
        [3, 3] of FREE, WALL, START, GOAL and AGENT.
    """
    y, x = record["place"].tolist()
    view = np.zeros(9, np.int8)
    look(record["grid"], y, x, centered, view)
    squares = view.reshape(3, 3)
    squares[(1, 1) if centered else (min(y, 1), min(x, 1))] = AGENT
    return squares


def all_squares(record: Record) -> np.ndarray:
    """Return every square of the maze.

    Args:
        record: The record of one environment.

    Returns:
        [rows, columns] of FREE, WALL, START, GOAL, SEEN and AGENT.
    """
    squares = np.where(record["seen"] == 1, SEEN, record["grid"])
    squares[pair(record["place"])] = AGENT
    return squares


def tostring(
    record: Record,
    start: bool = False,
    end: bool = False,
    agent: bool = False,
    visited: bool = False,
) -> str:
    """Return the maze as text, like ``env.tostring`` of POPGym 1.

    Args:
        record: The record of one environment.
        start: Whether to show the start.
        end: Whether to show the goal.
        agent: Whether to show the agent.
        visited: Whether to show the squares that the agent has visited.
    """
    squares = np.where(record["grid"] == WALL, WALL, FREE)
    squares[(record["seen"] == 1) & visited] = SEEN
    places = ((start, "start", START), (end, "goal", GOAL), (agent, "place", AGENT))
    for wanted, place, sign in places:
        if wanted:
            squares[pair(record[place])] = sign
    return as_text(squares)
