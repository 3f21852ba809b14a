"""The inputs of probes: what the memory's state is after a step, and what the network saw in it.

A state has many numbers, and some memories keep whole windows of inputs. More than ``MOST_NUMBERS``
are projected to that many by a sparse random matrix, which keeps distances and inner products
nearly as they are. Li, Hastie and Church, "Very Sparse Random Projections" (KDD 2006),
https://doi.org/10.1145/1150402.1150436.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

from popgym.inputs import MASK, PICTURE
from popgym.insight.recording import Inputs, Recording
from popgym.networks.actor_critic import ActorCritic, ActorCriticState
from popgym.networks.input_layers import one_step

MOST_SAMPLES = 20_000
"""The most steps that are looked at, half of them for training."""
MOST_NUMBERS = 1024
"""The most numbers of a state that are used as they are."""
_COPIES = 4
"""In how many numbers of a projection each number of the state is, on average."""
_PILOTS = 2
"""Episodes from which the scale of each number is taken before a projection."""


class Samples(NamedTuple):
    """The n steps that are looked at, ordered by episode and step."""

    episode: np.ndarray  # [n]
    step: np.ndarray  # [n]
    train: np.ndarray  # [n] bool, whether a probe is trained on it


def import_sklearn() -> Any:
    """Import scikit-learn with the modules used here, and return it.

    Raises:
        ModuleNotFoundError: If it is not installed.
    """
    try:
        import sklearn.decomposition
        import sklearn.preprocessing
        import sklearn.random_projection
    except ModuleNotFoundError as error:
        advice = "probes of the memory use scikit-learn: pip install 'popgym[inspect]'"
        raise ModuleNotFoundError(advice, name=error.name) from error
    return sklearn


def draw_samples(lengths: np.ndarray, rng: np.random.Generator) -> Samples:
    """Draw steps of the recorded episodes: all of them, if they are few enough.

    Steps of the first half of the episodes are for training, those of the others for the test.

    Args:
        lengths: The steps of each episode, [E].
        rng: The source of random numbers.
    """
    episode, step = np.nonzero(np.arange(lengths.max()) < lengths[:, None])
    train = episode < (len(lengths) + 1) // 2
    kept = []
    for side in (np.flatnonzero(train), np.flatnonzero(~train)):
        count = min(len(side), MOST_SAMPLES // 2)
        kept.append(np.sort(rng.choice(side, count, replace=False)))
    chosen = np.concatenate(kept)
    return Samples(episode[chosen], step[chosen], train[chosen])


def state_size(net: ActorCritic) -> int:
    """Return how many real numbers the memory's state has."""
    return _flat(net, net.initial_state(1)).shape[1]


def states_of(net: ActorCritic, recording: Recording, samples: Samples, seed: int) -> np.ndarray:
    """Compute the memory's state after each sampled step, which goes on to the next step.

    Args:
        net: The network.
        recording: The recorded play.
        samples: The steps.
        seed: The seed of a projection, below 2³².

    Returns:
        The states as rows of numbers [n, S] float32. S is 0 for a memory without a state. Numbers
        that are not finite are kept, or make a projection NaN.
    """
    everyone = np.arange(len(recording.lengths))
    size = state_size(net)
    if size <= MOST_NUMBERS:
        return _gather(_steps(net, recording, everyone), samples, size)
    mean, scale = _pilot(_steps(net, recording, everyone[:_PILOTS]), recording, size)
    project = _projection(size, seed)
    rows = ((x - mean) / scale for x in _steps(net, recording, everyone))
    return _gather(rows, samples, MOST_NUMBERS, project)


def seen_at(recording: Recording, samples: Samples, seed: int) -> np.ndarray:
    """Return what the network saw at each sampled step, as rows of numbers [n, I] float32.

    These are all inputs but the action mask: observation, previous action and start flag.

    Args:
        recording: The recorded play.
        samples: The steps.
        seed: The seed of a projection, below 2³².
    """
    rows = map(_flat_inputs, recording.inputs)
    size = _flat_inputs(recording.inputs[0]).shape[1]
    if size <= MOST_NUMBERS:
        return _gather(rows, samples, size)
    return _gather(rows, samples, MOST_NUMBERS, _projection(size, seed))


def _flat(net: ActorCritic, state: ActorCriticState) -> np.ndarray:
    """Return the real numbers of the memory's state as rows [B, S]; counters are left out."""
    parts = [torch.zeros(len(state.time), 0)]
    for name, each in net.flatten_state(state).items():
        if each.is_complex():
            each = torch.view_as_real(each)
        if name != "time" and each.is_floating_point():
            parts.append(each.flatten(1).float())
    return torch.cat(parts, 1).numpy()


def _flat_inputs(inputs: Inputs) -> np.ndarray:
    parts = [
        each.reshape(len(each), -1) / np.float32(255 if name.startswith(PICTURE) else 1)
        for name, each in inputs.items() if name != MASK
    ]  # fmt: skip
    return np.concatenate(parts, 1)


@torch.inference_mode()
def _steps(net: ActorCritic, recording: Recording, episodes: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the states [B, S] of some episodes after step 0, after step 1 and so on."""
    state = net.initial_state(len(episodes))
    for inputs in recording.inputs[: recording.lengths[episodes].max()]:
        chosen = {name: array[episodes] for name, array in inputs.items()}
        _, _, state = net(one_step(chosen), state)
        yield _flat(net, state)


def _gather(
    rows: Iterable[np.ndarray],
    samples: Samples,
    size: int,
    change: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> np.ndarray:
    """Return the rows of the sampled steps [n, size], given those of all episodes step by step."""
    found = np.empty((len(samples.step), size), np.float32)
    order = np.argsort(samples.step, kind="stable")
    ends = np.searchsorted(samples.step[order], np.arange(samples.step.max(initial=0) + 2))
    for t, (at_t, _) in enumerate(zip(rows, ends[1:], strict=False)):
        places = order[ends[t] : ends[t + 1]]
        if len(places):
            found[places] = change(at_t[samples.episode[places]])
    return found


def _pilot(
    rows: Iterable[np.ndarray], recording: Recording, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the deviation of each number in the pilot episodes, [size] each."""
    total, squares, count = np.zeros(size), np.zeros(size), 0
    for t, x in enumerate(rows):
        x = x[recording.lengths[: len(x)] > t].astype(np.float64)
        total, squares, count = total + x.sum(0), squares + np.square(x).sum(0), count + len(x)
    mean = total / count
    with np.errstate(invalid="ignore"):  # states that are not finite
        deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
    varies = np.isfinite(deviation) & (deviation > 1e-6 * (1 + np.abs(mean)))
    scale = np.where(varies, deviation, 1)
    return np.where(np.isfinite(mean), mean, 0).astype(np.float32), scale.astype(np.float32)


def _projection(size: int, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a random projection of rows [B, size] to [B, MOST_NUMBERS].

    It returns NaN if a number is not finite.
    """
    made = import_sklearn().random_projection.SparseRandomProjection(
        MOST_NUMBERS, density=_COPIES / MOST_NUMBERS, dense_output=True, random_state=seed
    )
    made.fit(np.zeros((1, size), np.float32))

    def project(x: np.ndarray) -> np.ndarray:
        if not np.isfinite(x).all():
            return np.full((len(x), MOST_NUMBERS), np.nan, np.float32)
        return made.transform(x)

    return project
