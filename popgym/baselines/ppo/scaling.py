"""Scales of rewards and advantages, so that one set of settings fits rewards of any size."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import distributed

DEVIATION_DECAY = 0.99
"""Decay per update of the largest deviation of advantages. It forgets an outlier after a few
hundred updates."""

_RELATIVE = 1e-6
"""Deviation relative to the mean up to which a float32 number is taken for constant."""


class AdvantageScale:
    """Normalisation of advantages that does not scale noise up to the size of a signal.

    When the policy is nearly optimal, the advantages are mostly value-function error. Dividing
    them by their own small deviation would turn that noise into large updates, and PPO would
    unlearn what it has solved. So they are divided by at least ``floor`` times the largest
    deviation of a batch so far, which decays.
    """

    def __init__(self) -> None:
        self.deviation = 0.0  # of the last batch
        self.largest_deviation = 0.0

    def normalise(self, advantages: np.ndarray, floor: float) -> np.ndarray:
        """Return the advantages with mean 0, divided by their deviation or by the lower bound."""
        self.deviation = deviation = float(advantages.std())
        self.largest_deviation = max(deviation, DEVIATION_DECAY * self.largest_deviation)
        divisor = max(1e-4, deviation, floor * self.largest_deviation)
        return (advantages - advantages.mean()) / divisor


class RewardScale:
    """Division of rewards by the size of returns so far.

    Values are then of the order of 1, whatever the size of the rewards, so that the same learning
    rate and the same weight of the value loss fit all environments. Rewards are not shifted,
    because that would change which policy is the best where the length of an episode depends on
    the actions.

    The size is the larger of two root mean squares:

    - of the discounted return so far, Gₜ = rₜ + γ Gₜ₋₁ from the start of the episode. It is known
      from the first batch on.
    - of the critic's targets, in units of the reward. Where a reward comes only at the end of an
      episode, G is 0 at nearly all steps, and values would be many times 1 without this.

    Gymnasium's ``NormalizeReward`` divides by the standard deviation of G instead. That is close
    to 0 if every step is rewarded alike, and rewards would grow without bound.

    Engstrom et al., "Implementation Matters in Deep Policy Gradients" (2020), section 3,
    https://arxiv.org/abs/2005.12729.
    """

    def __init__(self) -> None:
        self.count = 0  # steps whose G was seen
        self.square_sum = 0.0  # of G
        self.target_count = 0
        self.target_square_sum = 0.0

    def add(self, discounted: np.ndarray, learners: int = 1) -> None:
        """Include the discounted returns of more steps.

        Args:
            discounted: G of this learner's steps.
            learners: How many learners call this at the same time. The steps of all are included.
        """
        count, squares = _squares(discounted, learners)
        self.count += count
        self.square_sum += squares

    def add_targets(self, targets: np.ndarray, learners: int = 1) -> None:
        """Include the critic's targets of more steps, in units of the reward; see ``add``."""
        count, squares = _squares(targets, learners)
        self.target_count += count
        self.target_square_sum += squares

    @property
    def divisor(self) -> float:
        """The size of returns; 1 as long as all rewards were 0."""
        seen = self.square_sum / max(self.count, 1)
        aimed = self.target_square_sum / max(self.target_count, 1)
        return math.sqrt(max(seen, aimed)) if max(seen, aimed) > 0 else 1.0


def _squares(values: np.ndarray, learners: int) -> tuple[int, float]:
    """Return how many values all learners have, and the sum of their squares."""
    exact = values.astype(np.float64)
    count, squares = total(np.array([exact.size, np.square(exact).sum()]), learners)
    return int(count), float(squares)


class ObservationScale:
    """Mean and deviation of all observations so far, for ``popgym.networks.normaliser``.

    Args:
        size: Features M of an observation.
    """

    def __init__(self, size: int) -> None:
        self.count = 0
        self.mean = np.zeros(size)
        self.squares = np.zeros(size)  # sum of the squared differences from the mean

    def add(self, observations: np.ndarray, learners: int = 1) -> None:
        """Include more observations.

        Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample
        Variances" (1979), equation 2.1.

        Args:
            observations: Those of this learner [..., M].
            learners: As in ``RewardScale.add``.
        """
        rows = observations.reshape(-1, len(self.mean)).astype(np.float64)
        summed = total(np.append(rows.sum(0), len(rows)), learners)
        count, mean = int(summed[-1]), summed[:-1] / max(summed[-1], 1)
        squares = total(np.square(rows - mean).sum(0), learners)
        if not count:
            return
        shift, whole = mean - self.mean, self.count + count
        self.squares = self.squares + squares + np.square(shift) * (self.count * count / whole)
        self.mean = self.mean + shift * (count / whole)
        self.count = whole

    @property
    def deviation(self) -> np.ndarray:
        """The standard deviation [M]; 1 for a number that never changed."""
        deviation = np.sqrt(self.squares / max(self.count, 1))
        constant = deviation <= _RELATIVE * np.abs(self.mean)
        return np.where(constant | (deviation == 0), 1.0, deviation)


def total(numbers: np.ndarray, learners: int) -> np.ndarray:
    """Return the sum of float64 numbers over all learners, which must call this together."""
    if learners < 2:
        return numbers
    summed = torch.from_numpy(numbers.copy())
    distributed.all_reduce(summed)
    return summed.numpy()
