"""Players of MultiarmedBandit."""

from typing import Any

import numpy as np

from popgym.core.family import Family
from popgym.players.player import Player


class WinStayLoseShift(Player):
    """Pulls an arm as long as it pays, then goes on to the next."""

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        self.arms = int(task.action_space.n)  # type: ignore[attr-defined]
        self.arm = np.zeros(num_envs, np.int64)

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Choose by the last pull; see ``Player.act``."""
        self.arm = np.where(start, 0, (self.arm + (obs == 0)) % self.arms)
        return self.arm


class Counting(Player):
    """A player that counts the payouts and failures of every arm and chooses by the counts.

    The probabilities of payouts are drawn uniformly, which is Beta(1, 1). The posterior of an arm
    is Beta(1 + payouts, 1 + failures), independently of the other arms.
    """

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        self.beta = np.ones((num_envs, int(task.action_space.n), 2))  # type: ignore[attr-defined]
        self.arm = np.zeros(num_envs, np.int64)
        self.left = np.zeros(num_envs, np.int64)  # pulls left, this one included

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Count the last pull and choose; see ``Player.act``."""
        self.beta[np.arange(self.num_envs), self.arm, 1 - obs] += 1
        self.beta[start] = 1
        self.left = np.where(start, self.task.max_episode_length, self.left - 1)
        self.arm = self.worth(self.beta[..., 0], self.beta[..., 1]).argmax(axis=1)
        return self.arm

    def worth(self, payouts: np.ndarray, failures: np.ndarray) -> np.ndarray:
        """Return how desirable each arm is.

        Args:
            payouts: The first parameter of the arms' beta distributions, [num_envs, arms].
            failures: The second parameter of the arms' beta distributions, [num_envs, arms].

        Returns:
            [num_envs, arms] float64; the arm with the greatest number is pulled.
        """
        raise NotImplementedError


class ThompsonSampling(Counting):
    """Samples each arm's posterior (at first Beta(1, 1)) and pulls the arm with the best sample."""

    # Thompson, "On the likelihood that one unknown probability exceeds another in view of the
    # evidence of two samples", Biometrika 25 (1933).

    def worth(self, payouts: np.ndarray, failures: np.ndarray) -> np.ndarray:
        """Sample the posteriors; see ``Counting.worth``."""
        return self.rng.beta(payouts, failures)


class GittinsIndex(Counting):
    """Pulls the arm with the greatest (approximate) Gittins index for the pulls that are left.

    With a discount β it is optimal to pull always the arm with the greatest index (Gittins, "Bandit
    processes and dynamic allocation indices", 1979). An episode has a fixed length instead; β = 1 −
    1 / (pulls left) approximates this. The index of Beta(a, b) with mean μ is about μ + σ ψ(s), σ²
    = μ (1 − μ) / (a + b + 1), s = 1 / ((a + b + 1) ln 1/β), where ψ is the piecewise function of
    Brezzi and Lai, "Optimal learning and experimentation in bandit problems", Journal of Economic
    Dynamics and Control 27 (2002). For an arm never pulled this is about 0.1 too low.
    """

    def worth(self, payouts: np.ndarray, failures: np.ndarray) -> np.ndarray:
        """Return the indices; see ``Counting.worth``."""
        evidence = payouts + failures
        mean, left = payouts / evidence, np.maximum(self.left, 2)[:, None]
        s = 1 / ((evidence + 1) * np.log(left / (left - 1)))
        bonus = np.sqrt(mean * (1 - mean) / (evidence + 1)) * boundary(s)
        return mean + np.where(self.left[:, None] > 1, bonus, 0.0)


def boundary(s: np.ndarray) -> np.ndarray:
    """Return ψ of Brezzi and Lai."""
    root, log = np.sqrt(s), np.log(np.maximum(s, 15.0))
    pieces = [root / np.sqrt(2), 0.49 - 0.11 / root, 0.63 - 0.26 / root, 0.77 - 0.58 / root]
    beyond = np.sqrt(2 * log - np.log(log) - np.log(16 * np.pi))
    return np.select([s <= 0.2, s <= 1, s <= 5, s <= 15], pieces, beyond)


class BestArm(Player):
    """Knows the arms and always pulls the best."""

    observes_state = True

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Choose by the arms' probabilities of payouts; see ``Player.act``."""
        return obs.argmax(axis=1)
