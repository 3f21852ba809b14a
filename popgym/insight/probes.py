"""Probes: what the state of a policy's memory holds of the hidden state and of the past.

A probe is a small model that is trained to predict something from the memory's state after the
network has seen step t, which is all that it takes along to step t + 1. Two kinds are used: linear
ones (``probe_fits.py``) and networks with one hidden layer (``probe_network.py``). They predict

- each part of the environment's hidden Markov state at step t, if the environment tells it;
- the observation of step t − D, for the lags D = 0, 1, 2, 4, …

They are trained on the first half of the episodes and tested on the others. A score is an accuracy
or an R², see ``probe_targets.gains``. To say something of the memory, it must be compared with

- the observation: the same probes, from what the network saw in step t;
- shuffled states: the linear probe, trained with states that belong to other steps. More than
  chance would mean that the probe learns its training set by heart and not from the states, as in
  the control tasks of Hewitt and Liang, "Designing and Interpreting Probes with Control Tasks"
  (2019), https://arxiv.org/abs/1909.03368;
- chance: the most frequent class, or the mean, in training.

Alain and Bengio, "Understanding Intermediate Layers Using Linear Classifier Probes" (2016),
https://arxiv.org/abs/1610.01644. What a state holds need not be used by the policy.
``popgym.insight.effect`` measures what is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from popgym.core.arguments import whole_number
from popgym.insight.probe_fits import linear, split
from popgym.insight.probe_inputs import ProbeInputs, inputs_of
from popgym.insight.probe_network import networks
from popgym.insight.probe_parts import hidden_parts, observed_parts
from popgym.insight.probe_results import Probed, Probes, scores_of
from popgym.insight.probe_states import Samples, draw_samples, state_size
from popgym.insight.probe_targets import Gains, Target, chance, hidden_targets, observed_target
from popgym.insight.recording import Recording
from popgym.runs.policy import Policy
from popgym.runs.seeds import Stream, derive

__all__ = ["LARGEST_LAG", "Probed", "Probes", "probe"]

LARGEST_LAG = 64
"""The largest lag that is looked at by default. It is at most half of the mean episode."""
_PATH = 4


def probe(
    policy: Policy,
    recording: Recording,
    *,
    seed: int,
    lags: Sequence[int] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Probes:
    """Measure what the state of a policy's memory holds.

    Args:
        policy: The policy that was recorded.
        recording: The recorded play.
        seed: The seed of all random choices.
        lags: The lags D of past observations. None means 0, 1, 2, 4 and so on up to
            ``LARGEST_LAG`` or half of the mean episode.
        progress: Called with a line about what is being done.

    Raises:
        ModuleNotFoundError: If scikit-learn is not installed; the message says how to install it.
        ValueError: If a lag is negative or not a whole number.
    """
    say = progress or (lambda line: None)
    chosen = _lags(recording.lengths) if lags is None else lags
    lags = sorted({whole_number("lags", lag, 0) for lag in chosen})
    episodes = len(recording.lengths)
    if episodes == 1:
        note = "probes need at least two episodes, one to train with and one to test"
        return Probes(
            [], [], state_size(policy.net), (1, 0), (int(recording.lengths[0]), 0), [note]
        )
    rng = np.random.default_rng(derive(seed, Stream.INSPECTION, _PATH))
    samples = draw_samples(recording.lengths, rng)
    notes = _notes(recording.lengths, samples)
    hidden = [*hidden_targets([*hidden_parts(recording)], samples, notes)]
    parts = [*observed_parts(policy, recording)]
    past = [each for lag in lags for each in observed_target(parts, samples, lag, notes)]
    inputs = ProbeInputs(None, None)
    if hidden or past:
        say("computing the states to probe")
        inputs = inputs_of(policy, recording, samples, rng, notes)
    work = _Work(inputs, samples, rng, say)
    train = int(samples.train.sum())
    return Probes(
        hidden=work.probe("the hidden state", [hidden] if hidden else []),
        lags=work.probe("past observations", [[each] for each in past]),
        state_size=state_size(policy.net),
        episodes=((episodes + 1) // 2, episodes // 2),
        samples=(train, len(samples.train) - train),
        notes=list(dict.fromkeys(notes)),
    )


class _Fits(NamedTuple):
    """What the probes of a target score at the steps of the test; None without a state."""

    linear: Gains | None = None
    shuffled: Gains | None = None
    mlp: Gains | None = None


class _Work(NamedTuple):
    """What all probes have in common."""

    inputs: ProbeInputs
    samples: Samples
    rng: np.random.Generator
    say: Callable[[str], None]

    def probe(self, name: str, groups: Sequence[Sequence[Target]]) -> list[Probed]:
        """Probe groups of targets; those of a group are known at the same steps."""
        self.say(f"probing what the observation tells of {name}")
        seen = self._fit(self.inputs.seen, groups)
        self.say(f"probing what the state holds of {name}")
        state = self._fit(self.inputs.state, groups)
        targets = [target for group in groups for target in group]
        return [*map(self._probed, targets, seen, state)]

    def _fit(self, x: np.ndarray | None, groups: Sequence[Sequence[Target]]) -> list[_Fits]:
        """Fit the probes of all targets to features [n, F]."""
        targets = [target for group in groups for target in group]
        if x is None or not targets:
            return [_Fits() for _ in targets]
        splits = [split(target, self.samples) for target in targets]
        plain = [each for group in groups for each in linear(x, group, self.samples, self.rng)]
        first = [each.first for each in plain]
        mlps = networks(x, targets, first, splits, self._seed())
        return [
            _Fits(each.probe, each.shuffled, mlp) for each, mlp in zip(plain, mlps, strict=True)
        ]

    def _probed(self, target: Target, seen: _Fits, state: _Fits) -> Probed:
        parts = split(target, self.samples)
        found = {
            "linear": state.linear,
            "mlp": state.mlp,
            "observation": seen.linear,
            "observation_mlp": seen.mlp,
            "shuffled": state.shuffled,
        }
        return Probed(
            name=target.name,
            kind=target.kind,
            lag=target.lag,
            numbers=target.values.shape[1],
            chance=chance(target, parts.train, parts.test).score,
            **scores_of(found, self.samples.episode[parts.test], self._seed()),
        )

    def _seed(self) -> int:
        return int(self.rng.integers(2**32))


def _lags(lengths: np.ndarray) -> list[int]:
    """Return the lags 0, 1, 2, 4, … for episodes of these lengths."""
    largest = min(LARGEST_LAG, int(lengths.mean() / 2))
    return [0, *(2**i for i in range(largest.bit_length()))]


def _notes(lengths: np.ndarray, samples: Samples) -> list[str]:
    notes = []
    if (lengths == 1).all():
        notes.append("episodes have one step, so there is no past to probe")
    if len(lengths) < 4:
        notes.append("one test episode gives no intervals")
    if len(samples.step) < lengths.sum():
        notes.append(f"{len(samples.step):,} of {lengths.sum():,} recorded steps are probed")
    return notes
