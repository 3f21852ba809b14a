"""Probes with one hidden layer: what a memory's state holds in a form that is not linear.

A network is added to the linear probe and learns only what that one lacks. So the scores of the two
differ by what is not linear, and not by how well networks can be trained with a few thousand steps.
Without the linear probe, networks scored less than it in most cases that were tried.

They are trained with torch and not with scikit-learn. Its ``MLPRegressor`` stops early by other
steps of the same episodes, with which a target that is constant in an episode, such as a hidden
draw, is learned by heart. It also takes one target at a time. Here the networks of all targets are
trained at once, in products of stacked matrices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from popgym.insight.gradients import gradients_enabled
from popgym.insight.probe_fits import Split
from popgym.insight.probe_targets import Gains, Target, gains

HIDDEN_SIZE = 64
MOST_FEATURES = 256
"""The most principal components that are used."""
_BATCH, _RATE = 128, 3e-3
_UPDATES, _BETWEEN, _PATIENCE = 600, 20, 6
"""The most updates, those between two checks, and the checks without a gain before it stops."""
_CHECKED = 1000
"""The most steps of a check."""


class _Weights(NamedTuple):
    """The weights of K networks with F inputs and up to M outputs."""

    inner: Tensor  # [K, F, H]
    inner_bias: Tensor  # [K, 1, H]
    outer: Tensor  # [K, H, M]
    outer_bias: Tensor  # [K, 1, M]

    def __call__(self, x: Tensor) -> Tensor:
        """Return the outputs for inputs [K, b, F], [K, b, M]."""
        h = torch.baddbmm(self.inner_bias, x, self.inner).relu()
        return torch.baddbmm(self.outer_bias, h, self.outer)


@gradients_enabled()
def networks(
    x: np.ndarray,
    targets: Sequence[Target],
    first: Sequence[np.ndarray],
    splits: Sequence[Split],
    seed: int,
) -> list[Gains]:
    """Train a network for each target, and compare its predictions at the steps of the test.

    A network begins with outputs of 0. It is taken from the check at which it was best at the
    steps ``choose``.

    Args:
        x: The features [n, F].
        targets: The K targets.
        first: For each target the predictions to which a network is added, [n, m].
        splits: The use of the samples for each target.
        seed: The seed of the weights and of the batches.
    """
    rng = torch.Generator().manual_seed(seed)
    inputs = torch.from_numpy(_scaled(x[:, :MOST_FEATURES]))
    lacking = _padded([target.columns - each for target, each in zip(targets, first, strict=True)])
    weights = _initial(inputs.shape[1], len(targets), lacking.shape[2], rng)
    best = _train(inputs, lacking, splits, weights, rng)
    found = []
    for k, (target, base, each) in enumerate(zip(targets, first, splits, strict=True)):
        own = _Weights(*(array[k : k + 1] for array in best))
        added = own(inputs[each.test][None])[0, :, : target.width].numpy()
        found.append(gains(target, base[each.test] + added, each.test))
    return found


def _train(
    x: Tensor, y: Tensor, splits: Sequence[Split], weights: _Weights, rng: torch.Generator
) -> _Weights:
    """Return the weights of each network at the check with its lowest loss.

    Args:
        x: The inputs of all steps [n, F].
        y: What is to be predicted [K, n, M], zeros beyond the columns of a target.
        splits: The use of the steps for each network.
        weights: The initial weights.
        rng: The source of the batches.
    """
    draw, checked = _Batches([each.fit for each in splits], rng), _evenly(splits)
    optimizer = torch.optim.Adam(weights, lr=_RATE)
    best = [each.detach().clone() for each in weights]
    lowest = torch.full((len(splits),), math.inf)
    waited = torch.zeros(len(splits))
    for update in range(_UPDATES + 1):
        if update % _BETWEEN == 0:
            with torch.no_grad():
                loss = _losses(x, y, weights, checked)
            better = loss < lowest
            lowest, waited = torch.where(better, loss, lowest), (waited + 1) * ~better
            for kept, now in zip(best, weights, strict=True):
                kept[better] = now.detach()[better]
            if (waited >= _PATIENCE).all():
                break
        optimizer.zero_grad()
        _losses(x, y, weights, draw(_BATCH)).sum().backward()
        optimizer.step()
    return _Weights(*best)


def _losses(x: Tensor, y: Tensor, weights: _Weights, rows: Tensor) -> Tensor:
    """Return the loss of each network at steps [K, b], [K]."""
    wanted = y[torch.arange(len(y))[:, None], rows]
    return (weights(x[rows]) - wanted).square().mean((1, 2))


class _Batches:
    """Draws batches of steps for each network."""

    def __init__(self, rows: Sequence[np.ndarray], rng: torch.Generator) -> None:
        self._rows = torch.from_numpy(np.concatenate(rows))
        self._sizes = torch.tensor([len(each) for each in rows])[:, None]
        self._begins = self._sizes.cumsum(0) - self._sizes
        self._rng = rng

    def __call__(self, count: int) -> Tensor:
        drawn = torch.rand(len(self._sizes), count, generator=self._rng, dtype=torch.float64)
        return self._rows[self._begins + (drawn * self._sizes).long()]


def _evenly(splits: Sequence[Split]) -> Tensor:
    """Return as many of the steps ``choose`` for each network, [K, c]."""
    count = min(_CHECKED, max(len(each.choose) for each in splits))
    rows = [each.choose[np.linspace(0, len(each.choose) - 1, count).astype(int)] for each in splits]
    return torch.from_numpy(np.stack(rows))


def _initial(size: int, count: int, width: int, rng: torch.Generator) -> _Weights:
    """Return random weights of K = count networks, whose outputs are 0."""
    inner = torch.randn(count, size, HIDDEN_SIZE, generator=rng) * math.sqrt(2 / size)
    shapes = (1, HIDDEN_SIZE), (HIDDEN_SIZE, width), (1, width)
    zeros = [torch.zeros(count, *shape) for shape in shapes]
    return _Weights(*(each.requires_grad_() for each in (inner, *zeros)))


def _padded(columns: Sequence[np.ndarray]) -> Tensor:
    """Return columns [n, m] as one tensor [K, n, M], with zeros behind the shorter ones."""
    padded = torch.zeros(len(columns), len(columns[0]), max(each.shape[1] for each in columns))
    for k, each in enumerate(columns):
        padded[k, :, : each.shape[1]] = torch.from_numpy(each)
    return padded


def _scaled(x: np.ndarray) -> np.ndarray:
    """Return features whose variances have the mean 1.

    They are not scaled one by one, which would make the smallest as loud as the largest. With so
    scaled states of GRUs the networks scored less, and some did not begin to learn.
    """
    return (x / (np.sqrt(x.var(0).mean()) or 1)).astype(np.float32)
