"""From the effects of single observations to curves over the lag, and to the memory horizon.

Every episode e gives sums over its steps. With E(t, s) the effect of the observation at step s on
step t, they are

    S_e(Δ) = Σ_t E_e(t, t − Δ)        N_e(Δ) = the number of these steps t

    curve:    c(Δ) = Σ_e S_e(Δ) / Σ_e N_e(Δ)       the mean effect of what was seen Δ steps ago
    share:    m(Δ) = Σ_e S_e(Δ) / Σ_e Σ_δ S_e(δ)   how much of all effect has this lag
    horizon:  the smallest Δ with m(0) + … + m(Δ) ≥ 0.9

The intervals come from a bootstrap over episodes, the steps of which depend on each other. They are
expanded as in Hesterberg, "What Teachers Should Know About the Bootstrap" (2015), because a few
episodes vary less when they are resampled than new ones would.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from popgym.insight.counterfactual import Effects

SHARE = 0.9
"""The share of the effect that lies within the horizon."""
RESAMPLES = 2000
LEVEL = 0.95


class Curve(NamedTuple):
    """A quantity over the lag Δ = 0, 1, … with its interval; NaN where nothing was measured."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


class Horizon(NamedTuple):
    """The memory horizon in steps, with its interval; NaN if there is no effect at all."""

    steps: float
    low: float
    high: float


class Sums(NamedTuple):
    """Sums over the steps of each episode, [E, L] each, for the lags 0 to L − 1."""

    effect: np.ndarray
    steps: np.ndarray


def sums(found: Sequence[Effects], kind: str) -> Sums:
    """Return the sums of one kind of effect.

    Episodes in which only some observations were replaced count as if all had been.

    Args:
        found: The effects of each episode.
        kind: A name of ``counterfactual.KINDS``.
    """
    L = max(getattr(each, kind).shape[1] for each in found)
    effect, count = np.zeros((len(found), L)), np.zeros((len(found), L))
    for i, each in enumerate(found):
        values = getattr(each, kind)
        known = np.isfinite(values)
        scale = each.steps / max(1, len(each.replaced))
        effect[i, : values.shape[1]] = scale * np.where(known, values, 0).sum(0, dtype=np.float64)
        count[i, : values.shape[1]] = scale * known.sum(0)
    return Sums(effect, count)


def curve(found: Sums, *, level: float = LEVEL, seed: int = 0) -> Curve:
    """Return the mean effect over the lag, see the module's docstring.

    Args:
        found: The sums of E episodes.
        level: The confidence level at each lag by itself.
        seed: The seed of the resampling.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        value = found.effect.sum(0) / found.steps.sum(0)
        weights = resampling_weights(len(found.effect), seed)
        samples = (weights @ found.effect) / (weights @ found.steps)
    return Curve(value, *_bounds(samples, len(found.effect), level))


def horizon(found: Sums, *, share: float = SHARE, level: float = LEVEL, seed: int = 0) -> Horizon:
    """Return the lag within which ``share`` of the effect lies, see the module's docstring.

    Args:
        found: The sums of E episodes.
        share: The share of the effect.
        level: The confidence level.
        seed: The seed of the resampling.
    """
    weights = resampling_weights(len(found.effect), seed)
    value = _lag_within(found.effect.sum(0)[None], share)[0]
    low, high = _bounds(_lag_within(weights @ found.effect, share), len(found.effect), level)
    return Horizon(float(value), float(low), float(high))


def _lag_within(effect: np.ndarray, share: float) -> np.ndarray:
    """Return the horizon of each row of effects [N, L]; NaN for a row without any."""
    total = np.cumsum(effect, 1)
    reached = total >= share * total[:, -1:] * (1 - 1e-12)  # not one more because of rounding
    return np.where(total[:, -1] > 0, reached.argmax(1), math.nan)


def resampling_weights(episodes: int, seed: int) -> np.ndarray:
    """Return how often each episode is drawn in each bootstrap sample, [RESAMPLES, E]."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(episodes, np.full(episodes, 1 / episodes), RESAMPLES).astype(float)


def _bounds(samples: np.ndarray, episodes: int, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the expanded percentile interval of samples [RESAMPLES, ...]; NaN for one episode."""
    if episodes == 1:
        nothing = np.full(samples.shape[1:], math.nan)
        return nothing, nothing
    tail = expanded_tail(episodes, level)
    known = np.isfinite(samples).all(0) if samples.ndim > 1 else np.isfinite(samples)
    if samples.ndim == 1:
        kept = samples[known]
        if not len(kept):
            return np.asarray(math.nan), np.asarray(math.nan)
        low, high = np.quantile(kept, [tail, 1 - tail], method="closest_observation")
        return low, high
    low, high = np.full((2, samples.shape[1]), math.nan)
    low[known], high[known] = np.quantile(samples[:, known], [tail, 1 - tail], axis=0)
    return low, high


def expanded_tail(count: int, level: float) -> float:
    """Return the quantile at which an expanded percentile interval begins.

    Resampled means of n values vary less than means of new values, by √((n − 1) / n), and Student's
    quantile allows for how little is known about the spread.
    """
    reach = stats.t.ppf((1 + level) / 2, count - 1) / math.sqrt((count - 1) / count)
    return float(stats.norm.cdf(-reach))
