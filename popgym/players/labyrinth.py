"""Players of the labyrinths that draw a map as they walk."""

from abc import abstractmethod
from typing import Any

import numpy as np

from popgym.core.family import Family
from popgym.envs.labyrinth import LabyrinthFamily
from popgym.envs.labyrinth_rules import GOAL, LEFT
from popgym.players.labyrinth_map import Map, Square, way_to
from popgym.players.player import Player

# How many extra steps to accept for each square that a place is nearer to the opposite side
# (escape) or farther from it (explore). Found by trial; similar values do about as well.
ESCAPE_AHEAD = 2.0
EXPLORE_BEHIND = 0.5


class LabyrinthPlayer(Player):
    """A player that draws a map of what it sees and goes to the most promising place on it.

    The player starts on the border, where published views are not centred on it, but it stands on
    the only start square in view. Inside the maze it is in the centre of its view. It walks only on
    squares seen to be free, so it always knows where it is. Published views show parts of mazes
    that are not square as walls; there it may find no way. No preset has such mazes.
    """

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        assert isinstance(task, LabyrinthFamily)
        self.dims = task.maze_dims
        self.maps: list[Map | None] = [None] * num_envs
        self.plans: list[list[Square]] = [[] for _ in range(num_envs)]

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Record the views and take a step; see ``Player.act``."""
        actions = [self.go(i, obs[i, :9].tolist(), start[i]) for i in range(self.num_envs)]
        return np.array(actions, np.int64)

    def go(self, i: int, view: list[int], is_first: bool) -> int:
        """Return the next step in one maze; the last square of a plan is the next to go to."""
        known = self.maps[i]
        if is_first or known is None:
            known = self.maps[i] = Map(self.dims, view)
            self.plans[i] = []
        elif known.note(view):
            self.plans[i] = []
        if not self.plans[i]:
            self.plans[i] = self.plan(known)
        if not self.plans[i]:
            return LEFT  # nothing is left to see, so there is no way
        return known.go(self.plans[i].pop())

    @abstractmethod
    def plan(self, known: Map) -> list[Square]:
        """Return the way to go, last square first. Called again when something new is seen."""


class EscapeMapper(LabyrinthPlayer):
    """Maps the maze, explores unseen places nearby and ahead, and goes to the exit once it is seen.

    The exit is known to be on the opposite side, but not where.
    """

    def plan(self, known: Map) -> list[Square]:
        """Return the way to the exit if it is seen, else to the edge of the unseen part."""
        ways = known.ways()
        scores: dict[Square, float] = {}
        for square, steps in distances(ways).items():
            unseen = [beside[0] for beside in known.around(square) if known.may_be_free(beside)]
            if known.squares[square] == GOAL:
                return way_to(square, ways)
            if unseen:
                scores[square] = steps - ESCAPE_AHEAD * max(unseen)
        return way_to(min(scores, key=scores.__getitem__), ways) if scores else []


class ExploreMapper(LabyrinthPlayer):
    """Maps the maze and goes to the nearest unvisited square, keeping the far side for the end.

    The player need not return from the last place, so that this should be far away.
    """

    def plan(self, known: Map) -> list[Square]:
        """Return the way to a free square that is not visited."""
        ways = known.ways()
        scores = {
            square: steps + EXPLORE_BEHIND * square[0]
            for square, steps in distances(ways).items()
            if square not in known.visited
        }
        return way_to(min(scores, key=scores.__getitem__), ways) if scores else []


def distances(ways: dict[Square, Square]) -> dict[Square, int]:
    """Return the number of steps to each square, nearest first."""
    steps: dict[Square, int] = {}
    for square, before in ways.items():
        steps[square] = steps.get(before, -1) + 1
    return steps
