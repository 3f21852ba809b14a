"""What the memory could see: its receptive field, and how fast its Jacobian decays with the lag.

With inputs x and outputs y of the memory in recorded episodes, the decay is the root mean square

    r(D) = √ E ‖∂y_t / ∂x_{t−D}‖²,    D = 0, 1, 2, …

of the Frobenius norm over steps t and episodes. If r(D) falls fast, a loss at step t cannot teach
the memory what to keep of a step D steps earlier: the vanishing gradient of Hochreiter,
"Untersuchungen zu dynamischen neuronalen Netzen" (1991), and of Pascanu, Mikolov and Bengio, "On
the difficulty of training recurrent neural networks" (2013), https://arxiv.org/abs/1211.5063.

The norm is estimated by random projections: E ‖vᵀJ‖² = ‖J‖² for v ~ N(0, I). One backward pass from
vᵀy_t gives all lags. With n projections, r has a relative standard error of at most 1 / √(2n).

r says what is possible, not what is used. ``popgym.insight.effect`` measures what is used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from popgym.insight.gradients import (
    NoGradientError,
    gradient_norms,
    gradients_enabled,
    inside,
    notes_on_lags,
)
from popgym.insight.memory_inputs import layers, parts, untrained
from popgym.insight.numbers import for_json
from popgym.insight.recording import Episode, Recording
from popgym.memory.base import Memory
from popgym.runs.policy import Policy
from popgym.runs.seeds import Stream, derive, generator

BUDGET = 100_000
"""Steps to compute, forward and backward, of all rows of the initial and the trained memory."""
MOST_EPISODES = 8
"""Episodes that are used. A memory that computes step by step takes as long for one row as for
several, so a few episodes with several rows each take less time than many with one."""
FEWEST_ROWS, MOST_ROWS = 16, 256
"""Projections for each memory. The largest lag is reduced if the budget is too small for these."""
_PATH = 5


@dataclass(frozen=True)
class Decay:
    """The decay r(D) of one memory for the lags D = 0 to L − 1; NaN where it is not known.

    The norms are absolute. Divided by their first number, they show the decay alone. 0 means that
    there is no dependence, or that gradients are smaller than float32 can represent, 1e-38.
    """

    name: str
    """"memory" for the whole memory, "layer 1" and so on for the memory within a layer."""
    receptive_field: int | None
    """Number of inputs that an output depends on; None means no bound."""
    initial: np.ndarray
    """With the weights before training, [L]."""
    trained: np.ndarray
    """With the weights of the policy, [L]."""


@dataclass(frozen=True)
class Reach:
    """What a policy's memory could see, see the module's docstring."""

    receptive_field: int | None
    """Number of inputs that an output depends on; None means no bound."""
    decays: list[Decay]
    """First the whole memory, then the layers if there are several."""
    notes: list[str]

    def as_data(self) -> dict[str, Any]:
        """Return the numbers as data for JSON."""
        decays = [vars(decay) for decay in self.decays]
        return for_json({"receptive_field": self.receptive_field, "decays": decays})


class _Plan(NamedTuple):
    episodes: list[Episode]
    steps: list[np.ndarray]
    """For each episode, the steps t of the projections, ascending; some may be repeated."""
    lags: int
    """The number of lags, L."""
    seed: int


@gradients_enabled()
def reach(
    policy: Policy,
    recording: Recording,
    *,
    seed: int,
    max_lag: int | None = None,
    budget: int = BUDGET,
) -> Reach:
    """Measure how fast the Jacobian of a policy's memory decays, before and after training.

    The layers of ``popgym.memory.stack.Layers`` are also measured one by one: the memory within
    each layer, without the residual connection, on the inputs that it gets there. Memories that
    build their layers themselves, such as a GRU with ``num_layers=2`` or ``deep_fwp``, are only
    measured as a whole.

    Args:
        policy: The policy that was recorded.
        recording: The recorded play.
        seed: The seed of the steps, of the projections, and of the weights before training. With
            the seed of the run, these are the weights with which its training began.
        max_lag: The largest lag; None means up to the longest episode.
        budget: As ``BUDGET``.
    """
    memories = [policy.net.core, *layers(policy.net.core)]
    names = ["memory", *(f"layer {i}" for i in range(1, len(memories)))]
    longest = int(recording.lengths.max())
    wanted = longest if max_lag is None else min(longest, max_lag + 1)
    plan = _plan(recording.episodes, wanted, budget // (2 * len(names)), seed)
    notes = notes_on_lags(policy.net.core, longest, wanted, plan.lags)
    found = []
    for when, net in (("before", untrained(policy, seed)), ("after", policy.net)):
        for name, (memory, inputs) in zip(names, parts(net, plan.episodes), strict=True):
            decay, problem = _decay(memory, inputs, plan)
            found.append(decay)
            notes += [f"{name} {when} training: {problem}"] if problem else []
    fields = [memory.receptive_field for memory in memories]
    columns = zip(names, fields, found[: len(names)], found[len(names) :], strict=True)
    return Reach(fields[0], [Decay(*each) for each in columns], notes)


def _plan(episodes: list[Episode], wanted: int, affordable: int, seed: int) -> _Plan:
    """Choose the number of lags, and the steps of projections for ``affordable`` steps of rows.

    The steps are drawn from the later part of an episode, one from each of equal parts of it, so
    that all lags up to half of the episode are measured at the same steps.
    """
    rng = np.random.default_rng(derive(seed, Stream.INSPECTION, _PATH))
    lags = max(1, min(wanted, affordable // FEWEST_ROWS))
    rows = min(MOST_ROWS, max(1, affordable // lags))
    episodes = episodes[: min(rows, MOST_EPISODES)]
    count = rows // len(episodes)
    steps = []
    for episode in episodes:
        low = min(lags - 1, episode.steps // 2)
        place = (np.arange(count) + rng.random(count)) / count
        steps.append((low + place * (episode.steps - low)).astype(np.int64))
        steps[-1][-1] = episode.steps - 1  # the only step that has all lags
    return _Plan(episodes, steps, lags, seed)


def _decay(memory: Memory, inputs: list[Tensor], plan: _Plan) -> tuple[np.ndarray, str]:
    """Return r(D), [L], and what cannot be said about it, or ""."""
    rng = generator(plan.seed, Stream.INSPECTION, _PATH)

    def project(y: Tensor, _: np.ndarray) -> list[Tensor]:
        return [(y * torch.randn(y.shape, generator=rng, dtype=y.dtype)).sum(-1)]

    rows = zip(inputs, plan.steps, strict=True)
    try:
        norms = np.concatenate(
            [gradient_norms(memory, x, steps, plan.lags, project)[0] for x, steps in rows]
        )
    except NoGradientError as error:
        return np.full(plan.lags, math.nan), f"no Jacobian, because {error}"
    known = inside(np.concatenate(plan.steps), plan.lags)
    with np.errstate(invalid="ignore"):  # lags that no step has
        decay = np.sqrt((np.where(known, norms, 0) ** 2).sum(0) / known.sum(0))
    too_large = not np.isfinite(norms[known]).all()
    return decay, "the Jacobian is too large for float32 at some lags" if too_large else ""
