"""Labyrinths by a map drawn on the way."""

from abc import abstractmethod
from typing import Any

import numpy as np

from popgym.core.family import Family
from popgym.envs.labyrinth import LabyrinthFamily
from popgym.envs.labyrinth_rules import GOAL, LEFT
from popgym.players.labyrinth_map import Map, Square, way_to
from popgym.players.player import Player

# Found by play, and flat around: how many steps of detour it is worth
ESCAPE_AHEAD = 2.0  # that a place to look at is one nearer to the other side
EXPLORE_BEHIND = 0.5  # that a place to visit is one farther from it


class LabyrinthPlayer(Player):
    """Draws a map of what it sees and goes to the most promising place on it.

    At the start, on the border, published views are not centred on the player; but it stands on
    the only square of its kind in view. Inside the maze it is in the centre. It walks on squares
    seen to be free, and so always knows where it is. Published oblong mazes, which no preset has,
    are shown in part as walls; there it may find no way.
    """

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        assert isinstance(task, LabyrinthFamily)
        self.dims = task.maze_dims
        self.maps: list[Map | None] = [None] * num_envs
        self.plans: list[list[Square]] = [[] for _ in range(num_envs)]

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Notes the views and goes on."""
        actions = [self.go(i, obs[i, :9].tolist(), start[i]) for i in range(self.num_envs)]
        return np.array(actions, np.int64)

    def go(self, i: int, view: list[int], is_first: bool) -> int:
        """The next step in one maze; the last square of a plan is the next to go to."""
        known = self.maps[i]
        if is_first or known is None:
            known = self.maps[i] = Map(self.dims, view)
            self.plans[i] = []
        elif known.note(view):
            self.plans[i] = []
        if not self.plans[i]:
            self.plans[i] = self.plan(known)
        if not self.plans[i]:
            return LEFT  # nothing is left to see: there is no way
        return known.go(self.plans[i].pop())

    @abstractmethod
    def plan(self, known: Map) -> list[Square]:
        """The way to go, last square first; it is planned anew when something new is seen."""


class EscapeMapper(LabyrinthPlayer):
    """Maps the maze, heads for unseen places near and ahead, and for the exit once it is seen.

    The exit is known to be on the other side, not where.
    """

    def plan(self, known: Map) -> list[Square]:
        """The way to the exit or else to the edge of the unseen."""
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
    """Maps the maze and goes to the nearest square not visited, leaving far sides for the end.

    The last place need not be left again, and so had better be far away.
    """

    def plan(self, known: Map) -> list[Square]:
        """The way to a free square not visited."""
        ways = known.ways()
        scores = {
            square: steps + EXPLORE_BEHIND * square[0]
            for square, steps in distances(ways).items()
            if square not in known.visited
        }
        return way_to(min(scores, key=scores.__getitem__), ways) if scores else []


def distances(ways: dict[Square, Square]) -> dict[Square, int]:
    """How many steps each square is away, nearest first."""
    steps: dict[Square, int] = {}
    for square, before in ways.items():
        steps[square] = steps.get(before, -1) + 1
    return steps
