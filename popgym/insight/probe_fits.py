"""Linear probes: what can be read off a memory's state by a weighted sum.

Alain and Bengio, "Understanding Intermediate Layers Using Linear Classifier Probes" (2016),
https://arxiv.org/abs/1610.01644. Classes are predicted by ridge regression on their indicators,
as in scikit-learn's ``RidgeClassifier``. With states of GRUs, an LRU and an FFM this was about as
accurate as logistic regression or more, by up to .12, and 5 to 50 times as fast.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from popgym.insight.probe_states import Samples
from popgym.insight.probe_targets import Gains, Target, gains

_PENALTIES = (1e3, 1.0, 1e-2, 1e-4, 1e-6, 1e-8)
"""The penalties that are tried, for one sample and features of variance 1."""
_FITTED = 0.75
"""The share of the training steps that is fitted to choose by the others, of later episodes."""


class Split(NamedTuple):
    """Which of n samples are used for what, as indices."""

    fit: np.ndarray
    choose: np.ndarray
    """Steps of other training episodes than ``fit``, but for one that may be divided."""
    test: np.ndarray

    @property
    def train(self) -> np.ndarray:
        """All samples of the training episodes."""
        return np.concatenate([self.fit, self.choose])


class Linear(NamedTuple):
    """What linear probes score at the steps of the test."""

    probe: Gains
    shuffled: Gains
    """The same, trained with inputs that belong to other steps."""
    first: np.ndarray
    """The probe's predictions of the columns [n, m], if it is fitted only to the steps ``fit``."""


def split(target: Target, samples: Samples) -> Split:
    """Return how the steps with a value of the target are used."""
    train = np.flatnonzero(target.known & samples.train)
    cut = max(1, int(_FITTED * len(train)))
    return Split(train[:cut], train[cut:], np.flatnonzero(target.known & ~samples.train))


def linear(
    x: np.ndarray, targets: Sequence[Target], samples: Samples, rng: np.random.Generator
) -> list[Linear]:
    """Fit linear probes to targets that are known at the same steps.

    Args:
        x: The features [n, F].
        targets: The targets.
        samples: The n steps.
        rng: The source of the permutation.
    """
    parts, x = split(targets[0], samples), x.astype(np.float64)
    both = [*targets, *_shuffled(targets, parts, rng)]  # at once, with the same decompositions
    y = np.concatenate([target.columns for target in both], 1)
    first, final = (_Ridge(x[rows], y[rows]) for rows in (parts.fit, parts.train))
    penalties = _penalties(first, x, both, parts.choose)
    scores = _gains(final(x[parts.test], penalties), both, parts.test)
    bases = _each(first(x, penalties).astype(np.float32), both)
    count = len(targets)
    return [*map(Linear, scores[:count], scores[count:], bases[:count])]


def _shuffled(
    targets: Sequence[Target], parts: Split, rng: np.random.Generator
) -> Iterator[Target]:
    """Yield the targets with values that belong to other steps in training.

    It does not matter whether values or states are permuted. The steps ``choose`` keep to
    themselves, so that the states of both parts, and what is computed from them, remain the same.
    """
    order = np.arange(len(targets[0].values))
    for rows in (parts.fit, parts.choose):
        order[rows] = rng.permutation(rows)
    for target in targets:
        yield target._replace(values=target.values[order])


def _penalties(
    fitted: _Ridge, x: np.ndarray, targets: Sequence[Target], rows: np.ndarray
) -> np.ndarray:
    """Return the penalty of each column [m], the one with which its target scores best at rows."""
    scores = []
    for penalty in _PENALTIES:
        found = _gains(fitted(x[rows], penalty), targets, rows)
        scores.append([each.score for each in found])
    best = np.array(_PENALTIES)[np.nan_to_num(scores, nan=-np.inf).argmax(0)]
    return np.repeat(best, [target.width for target in targets])


def _each(predicted: np.ndarray, targets: Sequence[Target]) -> list[np.ndarray]:
    """Return the predictions [r, m] of each target by themselves."""
    ends = np.cumsum([target.width for target in targets])
    return np.split(predicted, ends[:-1], 1)


def _gains(predicted: np.ndarray, targets: Sequence[Target], rows: np.ndarray) -> list[Gains]:
    pairs = zip(targets, _each(predicted, targets), strict=True)
    return [gains(target, each, rows) for target, each in pairs]


class _Ridge:
    """Ridge regression of y [n, m] on x [n, F], decomposed once for all penalties.

    scikit-learn's ``Ridge`` takes three times as long, as it starts anew for each penalty.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self._x_mean, self._y_mean = x.mean(0), y.mean(0, dtype=np.float64)
        x, self._count = x - self._x_mean, len(x)
        self._variances, self._basis = np.linalg.eigh(x.T @ x)
        self._projected = self._basis.T @ (x.T @ (y - self._y_mean))

    def __call__(self, at: np.ndarray, penalty: float | np.ndarray) -> np.ndarray:
        """Return predictions [r, m] at [r, F], with one penalty or one for each column [m]."""
        shrunk = self._projected / (self._variances[:, None] + penalty * self._count)
        return (at - self._x_mean) @ (self._basis @ shrunk) + self._y_mean
