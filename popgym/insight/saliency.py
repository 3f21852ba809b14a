"""Saliency: gradients of what a policy says with respect to what its memory was given.

With the memory's inputs z (the features of the observations, which have gradients even where an
observation is a number of a list or a picture), the saliency of step t − D at step t is

    policy:  ‖∂ log π(a_t | z_0 … z_t) / ∂z_{t−D}‖        value:  ‖∂ V(z_0 … z_t) / ∂z_{t−D}‖

The curves are means over steps t and episodes. The action a_t is drawn anew from the policy's
distribution at step t, because recorded actions have the form that the environment takes. The most
probable action would not do: the density of a normal distribution has no gradient at its mean.

It is local only: it says how the outputs change with an infinitesimal change of an input, and not
what another observation would have changed. A policy that is sure of its action has a saliency of
nearly 0, however much it owes to the past. ``popgym.insight.effect`` measures the latter.

Simonyan, Vedaldi and Zisserman, "Deep Inside Convolutional Networks: Visualising Image
Classification Models and Saliency Maps" (2013), https://arxiv.org/abs/1312.6034, section 3. There
the score of a class is differentiated, and the largest gradient of a pixel's colours is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from popgym.inputs import MASK
from popgym.insight.effect import MOST_CELLS
from popgym.insight.gradients import (
    Losses,
    NoGradientError,
    gradient_norms,
    gradients_enabled,
    inside,
    notes_on_lags,
)
from popgym.insight.horizon import Curve, Sums, curve
from popgym.insight.memory_inputs import memory_inputs
from popgym.insight.numbers import for_json
from popgym.insight.recording import Episode, Recording
from popgym.networks.action_spaces import action_distribution
from popgym.networks.input_layers import masked
from popgym.runs.policy import Policy
from popgym.runs.seeds import Stream, derive, generator

BUDGET = 100_000
"""Steps to compute, forward and twice backward, of all rows. The first episode may take half."""
FEWEST_ROWS = 16
"""Steps t of the first episode. The largest lag is reduced if the budget is too small for these."""
KINDS = ("policy", "value")
_PATH = 6


@dataclass(frozen=True)
class Saliency:
    """The saliency of the past, by kind: see ``KINDS`` and the module's docstring."""

    curves: dict[str, Curve]
    """The mean over the lags D = 0 to L − 1, with an interval from a bootstrap over episodes."""
    heat_maps: dict[str, np.ndarray]
    """The mean in the first episode by t (rows) and t − D (columns), float32 [C, C]. Of each row's
    steps one was drawn. NaN where D is negative or not measured."""
    cell: int
    """The steps in a row or column of the heat maps."""
    notes: list[str]

    def as_data(self) -> dict[str, Any]:
        """Return the numbers as data for JSON."""
        data: dict[str, Any] = {"heat_map": {"steps_per_cell": self.cell, **self.heat_maps}}
        for kind, found in self.curves.items():
            data[kind] = found.value
            data[f"{kind}_interval"] = np.stack([found.low, found.high], 1)
        return for_json(data)


@gradients_enabled()
def saliency(
    policy: Policy,
    recording: Recording,
    *,
    seed: int,
    max_lag: int | None = None,
    budget: int = BUDGET,
) -> Saliency:
    """Measure the saliency of earlier inputs for a policy's actions and values.

    Args:
        policy: The policy that was recorded.
        recording: The recorded play.
        seed: The seed of the steps and of the actions.
        max_lag: The largest lag; None means up to the longest episode.
        budget: As ``BUDGET``.
    """
    longest = int(recording.lengths.max())
    wanted = longest if max_lag is None else min(longest, max_lag + 1)
    lags = max(1, min(wanted, budget // 2 // FEWEST_ROWS))
    episodes = recording.episodes[: 1 + budget // 2 // lags]
    lengths = [episode.steps for episode in episodes]
    cells = _cells(lengths, lags, budget)
    steps = _steps(lengths, cells, seed)
    try:
        norms = _norms(policy, episodes, steps, lags, seed)
    except NoGradientError as error:
        return _nothing(f"no saliency, because {error}")
    curves, heat_maps = {}, {}
    for kind, found in zip(KINDS, zip(*norms, strict=True), strict=True):
        curves[kind] = curve(_sums(found, lengths), seed=seed)
        heat_maps[kind] = _heat_map(found[0], steps[0], cells[0])
    notes = notes_on_lags(policy.net.core, longest, wanted, lags)
    if len(episodes) < len(recording.lengths):
        notes.append(f"gradients were computed for {len(episodes):,} episodes, to save time")
    if len(episodes) == 1:
        notes.append("one episode gives no interval")
    pairs = zip(norms, steps, strict=True)
    if not all(np.isfinite(each[:, inside(at, lags)]).all() for each, at in pairs):
        notes.append("gradients that are too large for float32 were left out")
    return Saliency(curves, heat_maps, cells[0], notes)


def _norms(
    policy: Policy,
    episodes: Sequence[Episode],
    steps: Sequence[np.ndarray],
    lags: int,
    seed: int,
) -> list[np.ndarray]:
    """Return the norms of each episode's gradients, [2, n, L]."""
    rng, net = generator(seed, Stream.INSPECTION, _PATH), policy.net
    found = []
    for episode, at in zip(episodes, steps, strict=True):
        losses, x = _losses(policy, episode, rng), memory_inputs(net, episode)
        found.append(gradient_norms(net.core, x, at, lags, losses))
    return found


def _losses(policy: Policy, episode: Episode, rng: torch.Generator) -> Losses:
    """Return the function that gives log π(a_t) and V for outputs of the memory."""
    distribution = action_distribution(policy.action_space)
    masks = {name: array for name, array in episode.inputs.items() if name == MASK}

    def losses(y: Tensor, steps: np.ndarray) -> list[Tensor]:
        outputs, values = policy.net.heads(y)
        allowed = {name: torch.from_numpy(array[steps]) for name, array in masks.items()}
        outputs = masked(outputs, allowed)
        actions = distribution.sample(outputs.detach(), rng)
        return [distribution.log_prob(outputs, actions), values]

    return losses


def _cells(lengths: Sequence[int], lags: int, budget: int) -> list[int]:
    """Return the steps of a cell of each episode, so that one step of each cell fits the budget.

    The first episode gets half of the budget, the others share the rest.
    """
    share, cells = budget // 2, []
    for length in lengths:
        mean_cost = np.minimum(np.arange(1, length + 1), lags).mean()
        cells.append(-(-length // max(1, min(MOST_CELLS, int(share / mean_cost)))))
        share = budget // 2 // max(1, len(lengths) - 1)
    return cells


def _steps(lengths: Sequence[int], cells: Sequence[int], seed: int) -> list[np.ndarray]:
    """Draw one step of each cell of each episode."""
    rng = np.random.default_rng(derive(seed, Stream.INSPECTION, _PATH))
    begins = [np.arange(0, length, cell) for length, cell in zip(lengths, cells, strict=True)]
    return [
        rng.integers(begin, np.append(begin[1:], length))
        for begin, length in zip(begins, lengths, strict=True)
    ]


def _sums(norms: Sequence[np.ndarray], lengths: Sequence[int]) -> Sums:
    """Return the sums over the steps of each episode, as if all had been computed."""
    found = []
    for each, length in zip(norms, lengths, strict=True):
        known = np.isfinite(each)
        total, count = np.where(known, each, 0).sum(0), known.sum(0)
        found.append(np.stack([total, count]) * (length / len(each)))
    return Sums(*np.stack(found, 1))


def _heat_map(norms: np.ndarray, steps: np.ndarray, cell: int) -> np.ndarray:
    """Return the mean of norms [C, L] at one step t of each cell by the cells of t and t − D."""
    total, count = np.zeros((2, len(steps), len(steps)))
    row, lag = np.nonzero(np.isfinite(norms))
    place = steps[row] // cell, (steps[row] - lag) // cell
    np.add.at(total, place, norms[row, lag])
    np.add.at(count, place, 1)
    with np.errstate(invalid="ignore", over="ignore"):
        return (total / count).astype(np.float32)


def _nothing(note: str) -> Saliency:
    empty = np.zeros(0)
    curves = {kind: Curve(empty, empty, empty) for kind in KINDS}
    heat_maps = {kind: np.zeros((0, 0), np.float32) for kind in KINDS}
    return Saliency(curves, heat_maps, 1, [note])
