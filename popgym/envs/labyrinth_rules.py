"""The rules of walking through a maze, which both labyrinth families share.

The agent sees the nine squares around it. This view has two defects in the published rules,
``centered_view=False``:

- At the top and left borders the view does not extend beyond the maze. It starts at the border
  and is filled up with a row or column of walls at the other end. So the agent is not always in
  its centre, and different places can look the same.
- In mazes that are not square the numbers of rows and columns are mixed up: rows beyond the number
  of columns, and columns beyond the number of rows, are seen as walls. All presets are square.
"""

from typing import Any

from popgym.core.maze import WALL, carve, place_doors
from popgym.core.rules import Record, rule

START, GOAL, HIDDEN = 2, 3, 4  # what a square can be, besides FREE and WALL
LEFT, RIGHT, UP, DOWN, NONE = range(5)
WAYS = ("left", "right", "up", "down", "none")


@rule
def sample(s: Record, p: Record) -> None:
    """Draw a maze, and a start and a goal on opposite sides of its border."""
    carve(s, s.walls, p.hunt_on)
    place_doors(s, s.walls.shape[0], s.walls.shape[1], s.start, s.goal)


@rule
def enter(s: Record) -> None:
    """Open the start and place the agent there."""
    y, x = s.start[0], s.start[1]
    s.grid[:] = s.walls
    s.grid[y, x] = START
    s.seen[:] = 0
    s.seen[y, x] = 1
    s.place[0], s.place[1] = y, x
    s.last, s.steps = NONE, 0


@rule
def go(s: Record, way: int) -> Any:
    """Move the agent one square, unless a wall or the end of the board is in the way.

    Args:
        s: The record of one environment.
        way: The direction: LEFT, RIGHT, UP or DOWN.

    Returns:
        The row and column of the agent.
    """
    y = s.place[0] + (way == DOWN) - (way == UP)
    x = s.place[1] + (way == RIGHT) - (way == LEFT)
    inside = 0 <= y < s.grid.shape[0] and 0 <= x < s.grid.shape[1]
    if inside and s.grid[y, x] != WALL:
        s.place[0], s.place[1] = y, x
    s.last = way
    s.steps += 1
    return s.place[0], s.place[1]


@rule
def look(grid: Any, y: int, x: int, centered: bool, view: Any) -> None:
    """Write the 3 × 3 squares around (y, x) into ``view``, row by row.

    Squares outside the board are walls. The top of this file describes views that are not centred.

    Args:
        grid: The squares of the maze, [rows, columns].
        y: The row of the agent.
        x: The column of the agent.
        centered: Whether (y, x) is always in the centre of the view.
        view: The array to write to, [9] or longer.
    """
    top = y - 1 if centered else max(y - 1, 0)
    left = x - 1 if centered else max(x - 1, 0)
    bottom = y + 1 if centered else min(y + 1, grid.shape[1])
    right = x + 1 if centered else min(x + 1, grid.shape[0])
    for i in range(3):
        for j in range(3):
            row, column = top + i, left + j
            inside = 0 <= row < grid.shape[0] and 0 <= column < grid.shape[1]
            near = row <= bottom and column <= right
            view[3 * i + j] = grid[row, column] if inside and near else WALL


@rule
def observe(s: Record, p: Record, obs: Any) -> None:
    """Write the nine squares in view and the last move."""
    look(s.grid, s.place[0], s.place[1], p.centered_view, obs)
    obs[9] = s.last
