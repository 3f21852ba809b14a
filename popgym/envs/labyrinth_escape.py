"""Find the way out of a maze."""

from typing import Any

import numpy as np

from popgym.core.kernel import Rules
from popgym.core.maze import reachable
from popgym.core.rules import Record, rule
from popgym.envs.labyrinth import LabyrinthFamily, opened
from popgym.envs.labyrinth_rules import GOAL, enter, go, observe, sample


@rule
def reset(s: Record, p: Record) -> None:
    """Open the start and the goal."""
    enter(s)
    s.grid[s.goal[0], s.goal[1]] = GOAL


@rule
def step(s: Record, p: Record, way: int) -> Any:
    """Move the agent, and end the episode at the goal."""
    y, x = go(s, way)
    s.seen[y, x] = 1
    out = s.grid[y, x] == GOAL
    reward = (1.0 if out else 0.0) - 1.0 / p.limit
    return reward, out, s.steps == p.limit - 1


class LabyrinthEscapeFamily(LabyrinthFamily):
    """Walk from the entrance of a maze to the exit on the other side, seeing only nearby squares.

    The agent sees the nine squares around it. Each step costs 1 / episode_length. The exit earns 1
    and ends the episode. Every episode has a new maze. The actions are left, right, up and down.

    Version v1 fixes two defects of v0. First, the view is centred on the agent; in v0 it is not at
    the top and left borders, so that different places can look the same, and parts of mazes that
    are not square are seen as walls. Second, every maze can be solved; in v0, 3 to 10 mazes in a
    million cannot.

    Args:
        maze_dims: Rows and columns of the maze without the last row and column of its border. Both
            are even.
        episode_length: Episodes are truncated after ``episode_length - 1`` steps.
        centered_view: Whether the agent is always in the centre of its view.
        hunt_on: Whether mazes are carved until no closed cell is left, so that each can be solved.

    The random players were run for 1,500 episodes each on POPGym 1.0.7.
    """

    rules = Rules(sample, reset, step, observe)
    costly_steps = 1

    def check_hidden(self, hidden: dict[str, np.ndarray]) -> None:
        """Check that there is a path from the start to the goal.

        Args:
            hidden: The values of each hidden field, [n, ...].

        Raises:
            ValueError: If there is no path, or start and goal are the same square.
        """
        super().check_hidden(hidden)
        start, goal = hidden["start"], hidden["goal"]
        reached = reachable(opened(hidden["walls"], start, goal), start)
        stuck = ~reached[np.arange(len(goal)), goal[:, 0], goal[:, 1]]
        if stuck.any():
            raise ValueError(
                "hidden['walls'] must leave a way over adjacent free squares from the start, "
                f"{start[stuck][0].tolist()}, to the goal, {goal[stuck][0].tolist()}"
            )
