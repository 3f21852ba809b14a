"""Players of RepeatPrevious, RepeatFirst and Autoencode, which ask for cards shown before."""

from typing import Any

import numpy as np

from popgym.core.family import Family
from popgym.players.player import Player

SUITS = 4


class RepeatPreviousMemoryless(Player):
    """Names a suit other than the one in view; with k = 1, the one in view."""

    # Of the 52 d − 1 other cards, 13 d − 1 have the suit in view, and 13 d each other suit.

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Choose by the suit in view; see ``Player.act``."""
        return obs if self.task.params["k"] == 1 else (obs + 1) % SUITS


class RepeatPreviousPerfect(Player):
    """Remembers the last k suits."""

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        self.suits = np.zeros((num_envs, task.params["k"]), np.int64)  # the newest last

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Name the oldest suit; see ``Player.act``.

        An episode's first k steps replace all suits of the previous episode, so no reset is needed.
        """
        self.suits = np.concatenate([self.suits[:, 1:], obs[:, None]], axis=1)
        return self.suits[:, 0]


class RepeatFirstMemoryless(Player):
    """Names the suit in view."""

    # This is right at the first question, which outweighs that later each other suit is slightly
    # likelier.

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Choose by the suit in view; see ``Player.act``."""
        return obs


class RepeatFirstPerfect(Player):
    """Remembers the first suit."""

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        self.first = np.zeros(num_envs, np.int64)

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Name the first suit; see ``Player.act``."""
        self.first = np.where(start, obs, self.first)
        return self.first


class AutoencodeMemoryless(Player):
    """Names the suit in view, which is right for the first question, and then always suit 0."""

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Choose by the suit in view; see ``Player.act``."""
        return obs[1]


class AutoencodePerfect(Player):
    """Remembers all suits and names them in reverse order."""

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        self.cards = (task.max_episode_length + 1) // 2
        self.suits = np.zeros((num_envs, self.cards), np.int64)
        self.clock = np.zeros(num_envs, np.int64)

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Record suits, then name them from the last to the first; see ``Player.act``.

        As many steps after the last card, the player names the card as many steps before it.
        """
        self.clock = np.where(start, 0, self.clock + 1)
        everyone, last = np.arange(self.num_envs), self.cards - 1
        shown = self.clock <= last
        self.suits[shown, self.clock[shown]] = obs[1][shown]
        return self.suits[everyone, last - np.abs(self.clock - last)]
