"""See every square of a maze."""

from typing import Any, ClassVar

import numpy as np

from popgym.core.kernel import Rules
from popgym.core.maze import FREE, reachable
from popgym.core.rules import Record, rule
from popgym.envs.labyrinth import LabyrinthFamily, opened
from popgym.envs.labyrinth_rules import enter, go, observe, sample


@rule
def reset(s: Record, p: Record) -> None:
    """Open the start and count the squares to visit. The goal stays closed, like the border."""
    enter(s)
    s.num_free = (s.grid == FREE).sum()
    s.num_left = s.num_free


@rule
def step(s: Record, p: Record, way: int) -> Any:
    """Move the agent and count the square if it is new."""
    y, x = go(s, way)
    new = s.seen[y, x] == 0
    s.seen[y, x] = 1
    s.num_left -= new
    reward = 1.0 / s.num_free if new else -1.0 / p.limit
    return reward, s.num_left == 0, s.steps == p.limit - 1


class LabyrinthExploreFamily(LabyrinthFamily):
    """Visit every square of a maze, seeing only nearby squares.

    The agent sees the nine squares around it. Without the start there are n free squares. The first
    visit to each of them earns 1 / n. A step to a visited square or against a wall costs 1 /
    episode_length. The episode ends when all squares are visited. Every episode has a new maze. The
    actions are left, right, up and down.

    Version v1 fixes two defects of v0. First, the view is centred on the agent; in v0 it is not at
    the top and left borders, so that different places can look the same, and parts of mazes that
    are not square are seen as walls. Second, all cells are carved; in v0, 20 to 60 mazes in a
    million keep closed cells, and in a few of them the agent cannot leave the start.

    Args:
        maze_dims: Rows and columns of the maze without the last row and column of its border. Both
            are even.
        episode_length: Episodes are truncated after ``episode_length - 1`` steps.
        centered_view: Whether the agent is always in the centre of its view.
        hunt_on: Whether mazes are carved until no closed cell is left, so that each can be solved.

    The random players were run for 600 episodes each on POPGym 1.0.7.
    """

    rules = Rules(sample, reset, step, observe)
    own_fields: ClassVar = {"num_free": np.int32, "num_left": np.int32}

    def check_hidden(self, hidden: dict[str, np.ndarray]) -> None:
        """Check that every free square can be reached from the start.

        Args:
            hidden: The values of each hidden field, [n, ...].

        Raises:
            ValueError: If a free square cannot be reached, if only the start is free, or if start
                and goal are the same square.
        """
        super().check_hidden(hidden)
        free = opened(hidden["walls"], hidden["start"])
        stuck = (reachable(free, hidden["start"]) != free).any(axis=(1, 2))
        if stuck.any() or (free.sum(axis=(1, 2)) < 2).any():
            raise ValueError(
                "hidden['walls'] must leave free squares, and a way from the start to each of them "
                "over adjacent free squares"
            )
