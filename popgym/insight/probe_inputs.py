"""The features that probes get: principal components of states, and of what the network saw."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from popgym.insight.probe_states import (
    MOST_NUMBERS,
    Samples,
    import_sklearn,
    seen_at,
    state_size,
    states_of,
)
from popgym.insight.recording import Recording
from popgym.runs.policy import Policy

MOST_FEATURES = 512
"""The most principal components that are used."""
_NEGLIGIBLE = 1e-10
"""Components with a smaller variance are rounding errors: the inputs have a variance of 1."""


class ProbeInputs(NamedTuple):
    """The features of n steps."""

    seen: np.ndarray | None
    """What the network saw, [n, F]."""
    state: np.ndarray | None
    """The state after the step, [n, G]; None if there is none."""


def inputs_of(
    policy: Policy,
    recording: Recording,
    samples: Samples,
    rng: np.random.Generator,
    notes: list[str],
) -> ProbeInputs:
    """Compute the features of the sampled steps.

    Args:
        policy: The policy that was recorded.
        recording: The recorded play.
        samples: The n steps.
        rng: The source of random numbers.
        notes: Gets a line if the state is left out or projected.
    """
    seeds = [int(each) for each in rng.integers(2**32, size=4)]
    seen = features(seen_at(recording, samples, seeds[0]), samples.train, seeds[1])
    size = state_size(policy.net)
    if not size:
        notes.append("the memory has no state: only the current observation is probed")
        return ProbeInputs(seen, None)
    states = states_of(policy.net, recording, samples, seeds[2])
    if not np.isfinite(states).all():
        notes.append("the state has numbers that are not finite: it is not probed")
        return ProbeInputs(seen, None)
    if size > MOST_NUMBERS:
        notes.append(f"the {size:,} numbers of the state are projected to {MOST_NUMBERS:,}")
    return ProbeInputs(seen, features(states, samples.train, seeds[3]))


def features(x: np.ndarray, train: np.ndarray, seed: int) -> np.ndarray:
    """Return the principal components [n, F] of standardised inputs, largest variance first.

    Args:
        x: The inputs [n, S].
        train: Which steps are for training, [n] bool. Only these define the components.
        seed: The seed of the approximation for large S, below 2³².
    """
    sklearn = import_sklearn()
    x = x.astype(np.float64)
    z = sklearn.preprocessing.StandardScaler().fit(x[train]).transform(x)
    if not z[train].any():
        return np.zeros((len(z), 1))  # nothing varies in training
    count = min(MOST_FEATURES, *z[train].shape)
    pca = sklearn.decomposition.PCA(count, random_state=seed).fit(z[train])
    return pca.transform(z)[:, pca.explained_variance_ > _NEGLIGIBLE]
