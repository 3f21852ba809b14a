"""What probes predict: parts of the hidden state now, and the observation some steps ago.

A target is one number, or all numbers of a part or an observation, over which its score is the
mean. Numbers that do not vary in training are left out, because there is nothing to learn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from popgym.insight.probe_parts import MOST_CLASSES, Part
from popgym.insight.probe_states import Samples

ACCURACY, R2 = "accuracy", "R2"
MOST_TARGETS = 12
"""About how many targets the hidden state has. Its smallest parts are predicted number by number,
as far as this allows; each of the others is one target."""
UNSEEN = -1
"""The class of values beyond ``MOST_CLASSES`` or not in training. They count as errors."""


class Target(NamedTuple):
    """What a probe predicts at n sampled steps."""

    name: str
    kind: str
    """``ACCURACY`` for classes, or ``R2`` for real numbers."""
    values: np.ndarray
    """Classes [n, k] int64 from 0, or real numbers [n, k] of mean 0 and variance 1 in training."""
    known: np.ndarray  # [n] bool, whether the step has a value
    lag: int | None = None
    """How many steps ago it was observed; None for the hidden state."""

    @property
    def classes(self) -> int:
        """The largest number of classes of a number; 0 for real numbers."""
        return int(self.values.max()) + 1 if self.kind == ACCURACY else 0

    @property
    def width(self) -> int:
        """The number of columns, k · C or k."""
        return self.values.shape[1] * max(1, self.classes)

    @property
    def columns(self) -> np.ndarray:
        """What a regression predicts: the real numbers, or indicators of classes, [n, k · C]."""
        if self.kind == R2:
            return self.values
        indicators = self.values[:, :, None] == np.arange(self.classes)
        return indicators.reshape(len(self.values), -1).astype(np.float32)


class Gains(NamedTuple):
    """The score of some steps: the sum of ``gain`` divided by that of ``weight``."""

    gain: np.ndarray  # [m]
    weight: np.ndarray  # [m]

    @property
    def score(self) -> float:
        """The score of all steps; NaN without any."""
        with np.errstate(invalid="ignore"):
            return float(self.gain.sum() / self.weight.sum())


def gains(target: Target, predicted: np.ndarray, rows: np.ndarray) -> Gains:
    """Compare predictions with a target.

    The accuracy is the mean over the numbers of a target, and so is

        R² = 1 − Σ (y − ŷ)² / Σ y²

    where y is 0 in the mean of the training steps, so that a constant has an R² of exactly 0.

    Args:
        target: The target.
        predicted: What was predicted for its ``columns``, [m, k · C].
        rows: At which of the n steps, [m].
    """
    y = target.values[rows]
    if target.kind == ACCURACY:
        found = predicted.reshape(*y.shape, -1).argmax(-1)
        return Gains((found == y).mean(1), np.ones(len(y)))
    y = y.astype(np.float64)
    whole = np.square(y).sum(0)
    scale = np.divide(1, whole, out=np.zeros_like(whole), where=whole > 0)
    return Gains((np.square(y) - np.square(y - predicted)) @ scale, np.square(y) @ scale)


def chance(target: Target, train: np.ndarray, test: np.ndarray) -> Gains:
    """Return what predicting the most frequent class, or the mean, of training steps scores.

    Args:
        target: The target.
        train: The training steps, as indices.
        test: The steps of the test, as indices.
    """
    constant = target.columns[train].mean(0) if target.kind == ACCURACY else np.zeros(1)
    return gains(target, np.tile(constant, (len(test), 1)), test)


def hidden_targets(parts: Sequence[Part], samples: Samples, notes: list[str]) -> Iterator[Target]:
    """Yield the targets of the hidden state at the sampled steps.

    Args:
        parts: The parts of the hidden state.
        samples: The steps.
        notes: Gets a line about each part that is left out, in whole or in part.
    """
    known, split = np.ones(len(samples.step), bool), _split(parts)
    notes += [part.note for part in parts if part.note]
    for part in parts:
        values, labels = part.values[samples.step, samples.episode], part.labels
        groups = [[i] for i in range(len(labels))] if part.name in split else [range(len(labels))]
        for group in groups:
            name = part.name + (labels[group[0]] if len(group) == 1 else "")
            yield from _made(name, [(part.discrete, values[:, group])], known, samples, notes)


def observed_target(
    parts: Sequence[Part], samples: Samples, lag: int, notes: list[str]
) -> Iterator[Target]:
    """Yield the target of the observation ``lag`` steps before each sampled step, if it varies.

    The numbers of an observation with real and with discrete parts are all predicted as real ones,
    the discrete parts as indicators of their classes.

    Args:
        parts: The parts of the observation.
        samples: The steps.
        lag: The lag D.
        notes: Gets a line about what is left out.
    """
    known = samples.step >= lag
    notes += [part.note for part in parts if part.note]
    before = np.maximum(samples.step - lag, 0)
    values = [(part.discrete, part.values[before, samples.episode]) for part in parts]
    name = f"observation {lag} steps ago" if lag != 1 else "observation 1 step ago"
    yield from _made(name, values, known, samples, notes, lag)


def _split(parts: Sequence[Part]) -> set[str]:
    """Return the names of the parts that are predicted number by number."""
    left, split = MOST_TARGETS - len(parts), set()
    for part in sorted(parts, key=lambda part: len(part.labels)):
        left -= len(part.labels) - 1
        if left >= 0:
            split.add(part.name)
    return split


def _made(
    name: str,
    parts: Sequence[tuple[bool, np.ndarray]],
    known: np.ndarray,
    samples: Samples,
    notes: list[str],
    lag: int | None = None,
) -> Iterator[Target]:
    """Yield the target of numbers [n, k], each with whether they are discrete, if they vary."""
    train = known & samples.train
    if not (known & ~samples.train).any():
        notes.append(f"{name}: no test episode is long enough")
        return
    varied = [(discrete, _varied(numbers, train)) for discrete, numbers in parts]
    whole, left = (sum(numbers.shape[1] for _, numbers in each) for each in (parts, varied))
    if not left:
        notes.append(f"{name} does not vary in the training episodes and is not probed")
        return
    if left < whole:
        of = name if lag is None else "observation"  # the same for most lags
        notes.append(
            f"{of}: {whole - left} of its {whole} numbers do not vary in the training episodes "
            "and are left out"
        )
    classes = all(discrete for discrete, _ in parts)
    make = _coded if classes else _real
    values = np.concatenate([make(discrete, numbers, train) for discrete, numbers in varied], 1)
    yield Target(name, ACCURACY if classes else R2, values, known, lag)


def _varied(numbers: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return the columns of numbers [n, k] that are finite and vary in training."""
    seen = numbers[train]
    kept = np.isfinite(numbers).all(0) & (seen != seen[:1]).any(0)
    return numbers[:, kept]


def _coded(discrete: bool, numbers: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return the classes of discrete numbers [n, k]."""
    codes = np.full(numbers.shape, UNSEEN, np.int64)
    for column, code in zip(numbers.T, codes.T, strict=True):
        values, counts = np.unique(column[train], return_counts=True)
        values = np.sort(values[np.argsort(-counts, kind="stable")[:MOST_CLASSES]])
        places = np.searchsorted(values, column).clip(max=len(values) - 1)
        code[:] = np.where(values[places] == column, places, UNSEEN)
    return codes


def _real(discrete: bool, numbers: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return real numbers, or indicators of classes, of mean 0 and variance 1 in training."""
    if discrete:
        codes = _coded(discrete, numbers, train)
        indicators = codes[:, :, None] == np.arange(codes.max(initial=0) + 1)
        numbers = _varied(indicators.reshape(len(codes), -1), train)
    seen = numbers[train].astype(np.float64)
    return ((numbers - seen.mean(0)) / seen.std(0)).astype(np.float32)
