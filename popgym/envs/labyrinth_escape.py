"""Find the way out of a maze."""

from typing import Any

import numpy as np

from popgym.core.kernel import Rules
from popgym.core.maze import reachable
from popgym.core.rules import Record, rule
from popgym.envs.labyrinth import (
    GOAL,
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
    """Opens the start and the goal."""
    enter(s)
    s.grid[s.goal[0], s.goal[1]] = GOAL


@rule
def step(s: Record, p: Record, way: int) -> Any:
    """Goes one square."""
    y, x = go(s, way)
    s.seen[y, x] = 1
    out = s.grid[y, x] == GOAL
    reward = (1.0 if out else 0.0) - 1.0 / p.limit
    return reward, out, s.steps == p.limit - 1


class LabyrinthEscapeFamily(LabyrinthFamily):
    """Walk from the entrance of a maze to its exit across, seeing the nine squares around.

    Each step costs 1 / episode_length, and the exit, which ends the episode, earns 1. Mazes are
    new in each episode. The actions are left, right, up and down.

    -v1 mends two defects. The view is centred on the agent; the published one is not on the top
    and left border, so that different places look the same, and it goes blind in parts of oblong
    mazes. And mazes are carved until no cell is left; 3 to 10 of a million published ones cannot
    be solved.

    Args:
        maze_dims: Rows and columns of the maze's squares, even; a last row and column of border
            come in addition.
        episode_length: An episode is truncated one step before this many.
        centered_view: Whether the agent is always in the centre of what it sees.
        hunt_on: Whether mazes are carved completely, so that each can be solved.

    The random players were run for 1,500 episodes each on POPGym 1.0.7.
    """

    rules = Rules(sample, reset, step, observe)
    costly_steps = 1

    def check_hidden(self, hidden: dict[str, np.ndarray]) -> None:
        """Refuses mazes without a way from the start to the goal."""
        check_doors(hidden)
        start, goal = hidden["start"], hidden["goal"]
        reached = reachable(opened(hidden["walls"], start, goal), start)
        stuck = ~reached[np.arange(len(goal)), goal[:, 0], goal[:, 1]]
        if stuck.any():
            raise ValueError(
                "hidden['walls'] must leave a way, by free squares side by side, from "
                f"{start[stuck][0].tolist()}, the start, to {goal[stuck][0].tolist()}, the goal"
            )
