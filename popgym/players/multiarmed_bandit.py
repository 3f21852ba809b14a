"""Players of MultiarmedBandit."""

from typing import Any

import numpy as np

from popgym.core.family import Family
from popgym.players.player import Player


class WinStayLoseShift(Player):
    """Pulls an arm as long as it pays, then the next."""

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        self.arms = int(task.action_space.n)  # type: ignore[attr-defined]
        self.arm = np.zeros(num_envs, np.int64)

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Decides by the last pull; see `Player.act`."""
        self.arm = np.where(start, 0, (self.arm + (obs == 0)) % self.arms)
        return self.arm


class Counting(Player):
    """Counts the payouts and failures of every arm, and chooses by what they tell.

    Arms are drawn uniformly, which is Beta(1, 1). After so many payouts and failures an arm is
    distributed as Beta(1 + payouts, 1 + failures), whatever the other arms did.
    """

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        self.beta = np.ones((num_envs, int(task.action_space.n), 2))  # type: ignore[attr-defined]
        self.arm = np.zeros(num_envs, np.int64)
        self.left = np.zeros(num_envs, np.int64)  # pulls left, this one included

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Counts the last pull and chooses; see `Player.act`."""
        self.beta[np.arange(self.num_envs), self.arm, 1 - obs] += 1
        self.beta[start] = 1
        self.left = np.where(start, self.task.max_episode_length, self.left - 1)
        self.arm = self.worth(self.beta[..., 0], self.beta[..., 1]).argmax(axis=1)
        return self.arm

    def worth(self, payouts: np.ndarray, failures: np.ndarray) -> np.ndarray:
        """How desirable each arm is, [num_envs, arms], given its distribution's parameters."""
        raise NotImplementedError


class ThompsonSampling(Counting):
    """Draws each arm from what is known of it (at first Beta(1, 1)), and pulls the best drawn."""

    # Thompson, "On the likelihood that one unknown probability exceeds another in view of the
    # evidence of two samples", Biometrika 25 (1933).

    def worth(self, payouts: np.ndarray, failures: np.ndarray) -> np.ndarray:
        """Draws; see `Counting.worth`."""
        return self.rng.beta(payouts, failures)


class GittinsIndex(Counting):
    """Pulls the arm of the greatest Gittins index, approximated, for the pulls that are left.

    With a discount β, always pulling the arm of the greatest index is optimal (Gittins, "Bandit
    processes and dynamic allocation indices", 1979). An episode of fixed length is not quite
    that: 1 − 1 / (pulls left) stands for β. The index of Beta(a, b) with mean μ is about
    μ + σ ψ(s), σ² = μ (1 − μ) / (a + b + 1), s = 1 / ((a + b + 1) ln 1/β), where ψ is given in
    pieces by Brezzi and Lai, "Optimal learning and experimentation in bandit problems", Journal
    of Economic Dynamics and Control 27 (2002). Of an arm never pulled this is about .1 too low.
    """

    def worth(self, payouts: np.ndarray, failures: np.ndarray) -> np.ndarray:
        """The indices; see `Counting.worth`."""
        evidence = payouts + failures
        mean, left = payouts / evidence, np.maximum(self.left, 2)[:, None]
        s = 1 / ((evidence + 1) * np.log(left / (left - 1)))
        bonus = np.sqrt(mean * (1 - mean) / (evidence + 1)) * boundary(s)
        return mean + np.where(self.left[:, None] > 1, bonus, 0.0)


def boundary(s: np.ndarray) -> np.ndarray:
    """Brezzi and Lai's ψ."""
    root, log = np.sqrt(s), np.log(np.maximum(s, 15.0))
    pieces = [root / np.sqrt(2), 0.49 - 0.11 / root, 0.63 - 0.26 / root, 0.77 - 0.58 / root]
    beyond = np.sqrt(2 * log - np.log(log) - np.log(16 * np.pi))
    return np.select([s <= 0.2, s <= 1, s <= 5, s <= 15], pieces, beyond)


class BestArm(Player):
    """Knows the arms, and always pulls the best."""

    observes_state = True

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Decides by the arms' probabilities to pay; see `Player.act`."""
        return obs.argmax(axis=1)
