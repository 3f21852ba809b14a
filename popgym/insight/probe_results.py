"""What probes found: scores with intervals, and what they mean for the memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from popgym.insight.horizon import Sums, curve
from popgym.insight.numbers import for_json
from popgym.insight.probe_targets import Gains

_MATTERS = 0.05
"""How much of the way from the best baseline to 1 a score must go to count as held."""


class Score(NamedTuple):
    """A score with its 95 % interval over test episodes; NaN where it is not known."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Probed:
    """How well one thing can be predicted."""

    name: str
    kind: str
    """"accuracy" or "R2"."""
    lag: int | None
    """How many steps ago it was observed; None for a part of the hidden state."""
    numbers: int
    """How many numbers are predicted. The score is their mean."""
    linear: Score
    """From the state."""
    mlp: Score
    """From the state, with a hidden layer."""
    observation: Score
    """From what the network saw in the step, as ``linear``."""
    observation_mlp: Score
    """From what the network saw in the step, as ``mlp``."""
    shuffled: Score
    """From states that belong to other steps, as ``linear``."""
    chance: float
    """Of the most frequent class; 0 for an R²."""

    @property
    def held(self) -> bool:
        """Whether the state holds clearly more than the current observation tells (linear)."""
        known = (self.chance, self.observation.value, self.shuffled.value)
        baseline = max(x for x in known if not math.isnan(x))
        return self.linear.low > baseline + _MATTERS * (1 - baseline)


@dataclass(frozen=True)
class Probes:
    """What the probes found, see the module's docstring."""

    hidden: list[Probed]
    """For each part of the hidden state; empty if the environment tells none."""
    lags: list[Probed]
    """For the observation at each lag, in ascending order."""
    state_size: int
    """Numbers of the state."""
    episodes: tuple[int, int]
    """Training and test episodes."""
    samples: tuple[int, int]
    """Training and test steps."""
    notes: list[str]
    """What could not be probed, or only in part, in words."""

    @property
    def farthest_lag(self) -> int | None:
        """The largest lag at which the observation is ``held``; None if there is none."""
        return max(
            (each.lag for each in self.lags if each.held and each.lag is not None), default=None
        )

    def as_data(self) -> dict[str, Any]:
        """Return the numbers as data for JSON."""
        return for_json(
            {
                "state_size": self.state_size,
                "farthest_lag": self.farthest_lag,
                "episodes": dict(zip(("training", "test"), self.episodes, strict=True)),
                "steps": dict(zip(("training", "test"), self.samples, strict=True)),
                "hidden": [vars(each) for each in self.hidden],
                "lags": [vars(each) for each in self.lags],
                "notes": self.notes,
            }
        )


def scores_of(
    found: Mapping[str, Gains | None], episode: np.ndarray, seed: int
) -> dict[str, Score]:
    """Return scores with their intervals from a bootstrap over episodes.

    Args:
        found: For each name the scores of m steps; None gives a score that is not known.
        episode: The episode of each step, [m].
        seed: The seed of the resampling, which is the same for all.
    """
    _, places = np.unique(episode, return_inverse=True)
    unknown = Gains(*np.full((2, len(places)), math.nan))
    gain, weight = (
        np.stack([np.bincount(places, weights=(each or unknown)[i]) for each in found.values()], 1)
        for i in range(2)
    )
    bounds = zip(*curve(Sums(gain, weight), seed=seed), strict=True)
    return {name: Score(*map(float, each)) for name, each in zip(found, bounds, strict=True)}
