"""Players of HigherLower."""

from typing import Any

import numpy as np

from popgym.core.cards import RANKS
from popgym.core.family import Family
from popgym.players.player import Player

HIGHER, LOWER = 0, 1


class HigherLowerMemoryless(Player):
    """Guesses higher below a seven, and lower otherwise."""

    # As many ranks are above a seven as below it, so both guesses earn 0 there on average.

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Guess by the rank in view; see ``Player.act``."""
        return np.where(obs < len(RANKS) // 2, HIGHER, LOWER)


class HigherLowerPerfect(Player):
    """Counts the cards, and guesses the side on which more of the remaining cards are."""

    # A guess affects only its own reward, and a card of equal rank earns 0 with either guess. So
    # the likelier guess is the best; if both are equally likely, both are best.

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        self.full = (task.max_episode_length + 1) // len(RANKS)
        self.left = np.zeros((num_envs, len(RANKS)), np.int64)

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Remove the card in view from the remaining cards and guess; see ``Player.act``."""
        self.left[start] = self.full
        self.left[np.arange(self.num_envs), obs] -= 1
        rank, in_view = np.arange(len(RANKS)), obs[:, None]
        lead = (self.left * np.sign(rank - in_view)).sum(axis=1)
        return np.where(lead >= 0, HIGHER, LOWER)
