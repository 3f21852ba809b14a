"""Players of HigherLower."""

from typing import Any

import numpy as np

from popgym.core.cards import RANKS
from popgym.core.family import Family
from popgym.players.player import Player

HIGHER, LOWER = 0, 1


class HigherLowerMemoryless(Player):
    """Guesses higher below a seven, and lower from there on."""

    # Equally many ranks lie above a seven and below it: there either guess earns nothing.

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Decides by the rank in view; see `Player.act`."""
        return np.where(obs < len(RANKS) // 2, HIGHER, LOWER)


class HigherLowerPerfect(Player):
    """Counts the cards, and guesses what more of the remaining ones are."""

    # A guess changes nothing but its own reward, and cards of equal rank pay nothing either way;
    # so the likelier guess is the best, and with as many above as below both are.

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        self.full = (task.max_episode_length + 1) // len(RANKS)
        self.left = np.zeros((num_envs, len(RANKS)), np.int64)

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Strikes the card in view off those left, and guesses; see `Player.act`."""
        self.left[start] = self.full
        self.left[np.arange(self.num_envs), obs] -= 1
        rank, in_view = np.arange(len(RANKS)), obs[:, None]
        lead = (self.left * np.sign(rank - in_view)).sum(axis=1)
        return np.where(lead >= 0, HIGHER, LOWER)
