"""A player of Battleship that computes the odds of every square."""

from typing import Any

import numpy as np

from popgym.core.family import Family
from popgym.envs.battleship import BattleshipFamily
from popgym.players.fleet_odds import Fleet
from popgym.players.player import Player

MAX_MEMORY = 100_000  # positions whose best shot is cached


class BattleshipScripted(Player):
    """Fires at the square most likely to hold a ship, given all shots so far.

    The observations do not show when a ship is sunk, and the player does not need to know: the odds
    cover all ways in which ships explain the hits. They are exact if at most two ships have no
    hits, and nearly exact before; see ``popgym.players.fleet_odds``. The best shot now is not
    always the best in the long run, since a less likely square may give more information.
    """

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        assert isinstance(task, BattleshipFamily)
        self.side = task.board_size
        self.fleet = Fleet(self.side, task.ship_sizes)
        self.shots = np.zeros((num_envs, self.side**2), bool)
        self.hits = self.shots.copy()
        self.target = np.zeros(num_envs, np.int64)
        self.known: dict[bytes, int] = {}  # games often begin with the same shots

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Record the last shots and choose new ones."""
        everyone = np.arange(self.num_envs)
        self.shots[everyone, self.target] = True
        self.hits[everyone, self.target] |= obs > 0
        self.shots[start] = self.hits[start] = False
        for i in everyone:
            self.target[i] = self.best(self.shots[i], self.hits[i])
        return np.stack(divmod(self.target, self.side), axis=1)

    def best(self, shots: np.ndarray, hits: np.ndarray) -> int:
        """Return the square to fire at, never one fired at before."""
        position = np.packbits([shots, hits]).tobytes()
        if position not in self.known:
            if len(self.known) >= MAX_MEMORY:
                self.known.clear()
            odds = self.fleet.odds(shots, hits)
            self.known[position] = int(np.where(shots, -1.0, odds).argmax())
        return self.known[position]
