"""Walking through a maze of which only the squares nearby are seen; two families share it.

Published views have two defects. On the top and the left border the nine squares begin at the
border instead of beyond it, and end in a row or column of walls; so the same view can mean
different places, and the agent is not always in its centre. And in oblong mazes, which no preset
has, numbers of rows and columns are mixed up: nothing is seen below the row whose number is the
board's count of columns, nor the other way round.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete

from popgym.core.arguments import truth_value, whole_number, whole_pair
from popgym.core.family import Family, FieldType
from popgym.core.hidden import Flags, Numbers
from popgym.core.maze import FREE, WALL, Maze, carve, pair, place_doors
from popgym.core.rules import Record, rule
from popgym.envs.pictures.boards import SIZE, Board
from popgym.envs.pictures.heading import progress
from popgym.render.canvas import Canvas
from popgym.render.palette import GREEN, INK, ORANGE, SKY, WHITE, YELLOW

START, GOAL, HIDDEN = 2, 3, 4  # beside FREE and WALL, what a square can be
LEFT, RIGHT, UP, DOWN, NONE = range(5)
WAYS = ("left", "right", "up", "down", "none")
PICTURES = np.array(["  ", "██", "SS", "GG", "··", "@@"])
SEEN, AGENT = 4, 5
COLORS, MARKS = (WHITE, INK, GREEN, YELLOW, SKY, WHITE), ("", "", "S", "G", "", "")


@rule
def sample(s: Record, p: Record) -> None:
    """Draws a maze and, on opposite sides of its border, a start and a goal."""
    carve(s, s.walls, p.hunt_on)
    place_doors(s, s.walls.shape[0], s.walls.shape[1], s.start, s.goal)


@rule
def enter(s: Record) -> None:
    """Opens the start and puts the agent there."""
    y, x = s.start[0], s.start[1]
    s.grid[:] = s.walls
    s.grid[y, x] = START
    s.seen[:] = 0
    s.seen[y, x] = 1
    s.place[0], s.place[1] = y, x
    s.last, s.steps = NONE, 0


@rule
def go(s: Record, way: int) -> Any:
    """Goes one square, unless there is a wall or the board ends; returns where the agent is."""
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
    """Writes the 3 × 3 squares around (y, x), row by row; what is beyond the board is wall."""
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
    """The nine squares in view and the last move."""
    look(s.grid, s.place[0], s.place[1], p.centered_view, obs)
    obs[9] = s.last


class LabyrinthFamily(Family):
    """A maze to walk through: left, right, up, down (0 to 3).

    Args:
        maze_dims: Rows and columns of the maze's squares, even; a last row and column of border
            come in addition.
        episode_length: An episode is truncated one step before this many.
        centered_view: Whether the agent is always in the centre of what it sees.
        hunt_on: Whether mazes are carved completely, so that each can be solved.
    """

    presets: ClassVar = {
        "Easy": {"maze_dims": (10, 10)},
        "Medium": {"maze_dims": (14, 14)},
        "Hard": {"maze_dims": (18, 18)},
    }
    versions: ClassVar = {"v1": {"centered_view": True, "hunt_on": True}}
    group = "NAVIGATION"
    action_names = WAYS[:4]
    obs_requires_prev_action = True
    views: ClassVar = {
        "maze": lambda task, s: Maze(s["grid"].copy(), pair(s["start"]), pair(s["goal"])),
        "explored": lambda task, s: s["seen"].copy(),
        "position": lambda task, s: pair(s["place"]),
        "curr_step": lambda task, s: s["steps"].item(),
        "neg_reward_scale": lambda task, s: -1 / task.episode_length,
        "tostring": lambda task, s: partial(tostring, s.copy()),
    }
    own_fields: ClassVar[dict[str, FieldType]] = {}
    """What a family's rules remember beside what all do."""
    costly_steps: ClassVar[int] = 0
    """How many steps of the best episode cost something."""
    picture_size = SIZE
    render_fps = 8

    def __init__(
        self,
        maze_dims: Sequence[int] = (10, 10),
        episode_length: int = 1024,
        centered_view: bool = False,
        hunt_on: bool = False,
    ) -> None:
        self.maze_dims = whole_pair("maze_dims", maze_dims, 2)
        if self.maze_dims[0] % 2 or self.maze_dims[1] % 2:
            raise ValueError(f"maze_dims must be even, got {maze_dims!r}")
        self.episode_length = limit = whole_number("episode_length", episode_length, 2)
        self.max_episode_length = limit - 1
        self.centered_view = truth_value("centered_view", centered_view)
        hunt_on = truth_value("hunt_on", hunt_on)
        shape = rows, columns = self.maze_dims[0] + 1, self.maze_dims[1] + 1
        self.observation_space = MultiDiscrete([5] * 10, dtype=np.int32)
        self.action_space = Discrete(4)
        self.state_space = MultiDiscrete(np.full(shape, 5))
        self.return_bounds = (1 / limit - 1, 1 - self.costly_steps / limit)
        self.params = {"limit": limit, "centered_view": self.centered_view, "hunt_on": hunt_on}
        board, square = (np.int8, shape), (np.int32, (2,))
        self.fields = {"walls": board, "grid": board, "seen": board, "start": square}
        self.fields.update(goal=square, place=square, last=np.int32, steps=np.int32)
        self.fields.update(self.own_fields)
        on_board = Numbers((0, 0), (rows - 1, columns - 1), whole=True)
        self.hidden = {"walls": Flags(shape), "start": on_board, "goal": on_board}

    def state(self, records: np.ndarray) -> Any:
        """The squares where the agent was: 0 free, 1 wall, 2 start, 3 goal; all others 4."""
        return np.where(records["seen"] == 1, records["grid"], HIDDEN).astype(np.int64)

    def draw(self, record: Record, reveal: bool = False) -> str:
        """The nine squares in view; the whole maze and the way so far if revealed."""
        rows = PICTURES[self.squares(record, reveal)]
        told = f"last move: {WAYS[record['last']]}   step {record['steps']}"
        return "\n".join([*("".join(row) for row in rows), told])

    def paint(self, canvas: Canvas, record: Record, reveal: bool = False) -> None:
        """The nine squares in view; the whole maze and the way so far if revealed."""
        steps, limit = record["steps"].item(), self.max_episode_length
        told = f"last move: {WAYS[record['last']]}"
        progress(canvas, f"step {steps} of {limit}", steps, limit, told)
        squares = self.squares(record, reveal)
        board = Board(*squares.shape, gap=0)
        for (y, x), square in np.ndenumerate(squares):
            board.square(canvas, y, x, COLORS[square], MARKS[square])
            if square == AGENT:
                board.disc(canvas, y, x, 0.6, ORANGE)
        board.edge(canvas)

    def squares(self, record: Record, reveal: bool) -> np.ndarray:
        """What is on each square of a picture: of the nine in view, or of all if revealed.

        Returns:
            [rows, columns] of FREE, WALL, START, GOAL, SEEN and AGENT.
        """
        grid, (y, x) = record["grid"], record["place"].tolist()
        if reveal:
            squares = np.where(record["seen"] == 1, SEEN, grid)
            squares[y, x] = AGENT
        else:
            view = np.zeros(9, np.int8)
            look(grid, y, x, self.centered_view, view)
            squares = view.reshape(3, 3)
            squares[(1, 1) if self.centered_view else (min(y, 1), min(x, 1))] = AGENT
        return squares


def tostring(
    record: Record,
    start: bool = False,
    end: bool = False,
    agent: bool = False,
    visited: bool = False,
) -> str:
    """The maze as text, as POPGym 1's `env.tostring`.

    Args:
        record: The environment's.
        start: Whether to show the start.
        end: Whether to show the goal.
        agent: Whether to show the agent.
        visited: Whether to show where it has been.
    """
    squares = np.where(record["grid"] == WALL, WALL, FREE)
    squares[(record["seen"] == 1) & visited] = SEEN
    places = ((start, "start", START), (end, "goal", GOAL), (agent, "place", AGENT))
    for wanted, place, sign in places:
        if wanted:
            squares[pair(record[place])] = sign
    return "\n".join("".join(row) for row in PICTURES[squares])


def check_doors(hidden: dict[str, np.ndarray]) -> None:
    """Refuses a goal at the start.

    Raises:
        ValueError: There is one.
    """
    same = (hidden["start"] == hidden["goal"]).all(axis=1)
    if same.any():
        place = hidden["start"][same][0].tolist()
        raise ValueError(f"hidden['start'] and hidden['goal'] must differ, got {place} for both")


def opened(walls: np.ndarray, *squares: np.ndarray) -> np.ndarray:
    """Where one can go once some squares are opened.

    Args:
        walls: [n, rows, columns].
        *squares: [n, 2] each, the row and column of a square of each board.

    Returns:
        [n, rows, columns] bool.
    """
    free = walls == 0
    for rows, columns in (square.T for square in squares):
        free[np.arange(len(free)), rows, columns] = True
    return free
