"""Players of CountRecall."""

from typing import Any

import numpy as np

from popgym.core.family import Family
from popgym.players.player import Player


class CountRecallClock(Player):
    """Knows only how many cards were dealt, and names the likeliest count of any kind."""

    # If n of N cards are dealt and K cards are of a kind, its count has a hypergeometric
    # distribution with the mode ⌊(n + 1)(K + 1) / (N + 2)⌋.

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        self.cards = task.max_episode_length + 1
        self.each = self.cards // task.params["kinds"]
        self.dealt = np.zeros(num_envs, np.int64)

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Answer by the number of steps; see ``Player.act``."""
        self.dealt = np.where(start, 1, self.dealt + 1)
        return (self.dealt + 1) * (self.each + 1) // (self.cards + 2)


class CountRecallPerfect(Player):
    """Counts the cards of each kind."""

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        self.counts = np.zeros((num_envs, task.params["kinds"]), np.int64)

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Count the card dealt and answer; see ``Player.act``."""
        everyone = np.arange(self.num_envs)
        self.counts[start] = 0
        self.counts[everyone, obs[:, 0]] += 1
        return self.counts[everyone, obs[:, 1]]
