"""Battleship by the odds of every square."""

from typing import Any

import numpy as np

from popgym.core.family import Family
from popgym.envs.battleship import BattleshipFamily
from popgym.players.fleet_odds import Fleet
from popgym.players.player import Player

MAX_MEMORY = 100_000  # positions whose best shot is remembered


class BattleshipScripted(Player):
    """Fires at the square most likely to hold a ship, given all shots so far.

    That a ship was sunk is not told and need not be: which ships explain the hits is part of the
    odds. They are exact once at most two ships are free of hits, and nearly so before; see
    `popgym.players.fleet_odds`. The best shot now is not always best in the long run: a less
    likely square may tell more.
    """

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        assert isinstance(task, BattleshipFamily)
        self.side = task.board_size
        self.fleet = Fleet(self.side, task.ship_sizes)
        self.shots = np.zeros((num_envs, self.side**2), bool)
        self.hits = self.shots.copy()
        self.target = np.zeros(num_envs, np.int64)
        self.known: dict[bytes, int] = {}  # games begin alike

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Notes the last shots and chooses new ones."""
        everyone = np.arange(self.num_envs)
        self.shots[everyone, self.target] = True
        self.hits[everyone, self.target] |= obs > 0
        self.shots[start] = self.hits[start] = False
        for i in everyone:
            self.target[i] = self.best(self.shots[i], self.hits[i])
        return np.stack(divmod(self.target, self.side), axis=1)

    def best(self, shots: np.ndarray, hits: np.ndarray) -> int:
        """The square to fire at, never one fired at before."""
        position = np.packbits([shots, hits]).tobytes()
        if position not in self.known:
            if len(self.known) >= MAX_MEMORY:
                self.known.clear()
            odds = self.fleet.odds(shots, hits)
            self.known[position] = int(np.where(shots, -1.0, odds).argmax())
        return self.known[position]
