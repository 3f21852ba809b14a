"""What the two labyrinth families have in common: their options, fields and pictures."""

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete

from popgym.core.arguments import truth_value, whole_number, whole_pair
from popgym.core.family import Family, FieldType
from popgym.core.hidden import Flags, Numbers
from popgym.core.maze import Maze, pair
from popgym.core.rules import Record
from popgym.envs.labyrinth_picture import (
    all_squares,
    as_text,
    paint_board,
    paint_heading,
    squares_in_view,
    tostring,
)
from popgym.envs.labyrinth_rules import HIDDEN, WAYS
from popgym.envs.pictures.boards import SIZE
from popgym.render.canvas import Canvas


class LabyrinthFamily(Family):
    """A maze to walk through with the actions left, right, up and down (0 to 3).

    A subclass adds the rules.

    Args:
        maze_dims: Rows and columns of the maze without the last row and column of its border. Both
            are even.
        episode_length: Episodes are truncated after ``episode_length - 1`` steps.
        centered_view: Whether the agent is always in the centre of its view.
        hunt_on: Whether mazes are carved until no closed cell is left, so that each can be solved.
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
    """The fields that only this family's rules use."""
    costly_steps: ClassVar[int] = 0
    """The number of steps that have a cost in the best possible episode."""
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
        """Return the visited squares: 0 free, 1 wall, 2 start, 3 goal; all others are 4."""
        return np.where(records["seen"] == 1, records["grid"], HIDDEN).astype(np.int64)

    def draw(self, record: Record, reveal: bool = False) -> str:
        """Draw the nine squares in view, or the whole maze with visited squares if ``reveal``."""
        told = f"last move: {WAYS[record['last']]}   step {record['steps']}"
        return f"{as_text(self.squares(record, reveal))}\n{told}"

    def paint(self, canvas: Canvas, record: Record, reveal: bool = False) -> None:
        """Paint the nine squares in view, or the whole maze with visited squares if ``reveal``."""
        paint_heading(canvas, record, self.max_episode_length)
        paint_board(canvas, self.squares(record, reveal))

    def squares(self, record: Record, reveal: bool) -> np.ndarray:
        """Return the squares of a picture: all if ``reveal``, else the nine in view.

        Returns:
            [rows, columns] of FREE, WALL, START, GOAL, SEEN and AGENT.
        """
        return all_squares(record) if reveal else squares_in_view(record, self.centered_view)

    def check_hidden(self, hidden: dict[str, np.ndarray]) -> None:
        """Check that the goal is not at the start.

        Args:
            hidden: The values of each hidden field, [n, ...].

        Raises:
            ValueError: If start and goal are the same square.
        """
        same = (hidden["start"] == hidden["goal"]).all(axis=1)
        if same.any():
            place = hidden["start"][same][0].tolist()
            raise ValueError(
                f"hidden['start'] and hidden['goal'] must differ, got {place} for both"
            )


def opened(walls: np.ndarray, *squares: np.ndarray) -> np.ndarray:
    """Return which squares are free after opening some.

    Args:
        walls: The boards, [n, rows, columns].
        *squares: The row and column of a square of each board, [n, 2].

    Returns:
        [n, rows, columns] bool.
    """
    free = walls == 0
    for rows, columns in (square.T for square in squares):
        free[np.arange(len(free)), rows, columns] = True
    return free
