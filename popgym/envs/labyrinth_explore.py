"""See every square of a maze."""

from typing import Any, ClassVar

import numpy as np

from popgym.core.kernel import Rules
from popgym.core.maze import FREE, reachable
from popgym.core.rules import Record, rule
from popgym.envs.labyrinth import (
    LabyrinthFamily,
    check_doors,
    enter,
    go,
    observe,
    opened,
    sample,
)


@rule
def reset(s: Record, p: Record) -> None:
    """Opens the start and counts the squares to see; the goal is closed like the border."""
    enter(s)
    s.num_free = (s.grid == FREE).sum()
    s.num_left = s.num_free


@rule
def step(s: Record, p: Record, way: int) -> Any:
    """Goes one square."""
    y, x = go(s, way)
    new = s.seen[y, x] == 0
    s.seen[y, x] = 1
    s.num_left -= new
    reward = 1.0 / s.num_free if new else -1.0 / p.limit
    return reward, s.num_left == 0, s.steps == p.limit - 1


class LabyrinthExploreFamily(LabyrinthFamily):
    """Walk over all squares of a maze, seeing the nine squares around.

    With n free squares beside the start, each of them earns 1 / n at the first visit; a step to
    a square visited before or against a wall costs 1 / episode_length. The last free square ends
    the episode. Mazes are new in each episode. The actions are left, right, up and down.

    -v1 mends two defects. The view is centred on the agent; the published one is not on the top
    and left border, so that different places look the same, and it goes blind in parts of oblong
    mazes. And mazes are carved until no cell is left; in 20 to 60 of a million published ones
    cells stay closed, and from the start of a few there is no way at all.

    Args:
        maze_dims: Rows and columns of the maze's squares, even; a last row and column of border
            come in addition.
        episode_length: An episode is truncated one step before this many.
        centered_view: Whether the agent is always in the centre of what it sees.
        hunt_on: Whether mazes are carved completely, so that each can be solved.

    The random players were run for 600 episodes each on POPGym 1.0.7.
    """

    rules = Rules(sample, reset, step, observe)
    own_fields: ClassVar = {"num_free": np.int32, "num_left": np.int32}

    def check_hidden(self, hidden: dict[str, np.ndarray]) -> None:
        """Refuses mazes in which not all free squares can be reached."""
        check_doors(hidden)
        free = opened(hidden["walls"], hidden["start"])
        stuck = (reachable(free, hidden["start"]) != free).any(axis=(1, 2))
        if stuck.any() or (free.sum(axis=(1, 2)) < 2).any():
            raise ValueError(
                "hidden['walls'] must leave free squares, and a way from the start, by free "
                "squares side by side, to each of them"
            )
