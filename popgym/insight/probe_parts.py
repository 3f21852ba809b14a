"""The numbers of hidden states and observations that probes predict, part by part."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import Space
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete
from torch.nn import functional

from popgym.inputs import MEASURED, NUMBERS, PICTURE
from popgym.insight.recording import Inputs, Recording
from popgym.runs.policy import Policy
from popgym.spaces.flatten import follow, leaves, make_writer, observation_name
from popgym.spaces.inputs import is_channels_first, is_measured, is_picture

MOST_NUMBERS = 128
"""The most numbers of a part that are predicted. Of more, these many are taken evenly."""
MOST_CLASSES = 512
"""The most classes of a discrete number, the most frequent in training."""
MOST_COLUMNS = 2048
"""The most classes of all these numbers together."""
_GRID = 4
"""Pictures are averaged to a grey one of this height and width."""


class Part(NamedTuple):
    """A part of a space, in all steps of a recording."""

    name: str
    discrete: bool
    """Whether its numbers name something, such as a suit, and are not measured."""
    values: np.ndarray  # [T, B, k]
    labels: list[str]
    """The index of each number in the part, such as "[1, 3]"; [""] if it has only one."""
    note: str = ""
    """What was left out."""


def hidden_parts(recording: Recording) -> Iterator[Part]:
    """Yield the parts of the hidden Markov states; none if the environment tells none."""
    if recording.hidden_space is None or not recording.hidden:
        return
    for path, space in leaves(recording.hidden_space):
        name = "hidden" + "".join(f"[{key!r}]" for key in path)
        if not isinstance(space, (Box, Discrete, MultiBinary, MultiDiscrete)):
            nothing = np.zeros((len(recording.hidden), len(recording.lengths), 0))
            yield Part(name, False, nothing, [], f"{name} has no fixed size and is not probed")
            continue
        chosen, note = _chosen(space, name)
        batches = (np.asarray(follow(path, batch)) for batch in recording.hidden)
        values = np.stack([each.reshape(len(each), -1)[:, chosen] for each in batches])
        yield Part(name, is_discrete(space), values, _labels(space.shape or (), chosen), note)


def observed_parts(policy: Policy, recording: Recording) -> Iterator[Part]:
    """Yield the parts of the observations, read from what the network saw."""
    for name, space, read, note in _readers(policy):
        values = np.stack([read(inputs) for inputs in recording.inputs])
        labels = [f"[{i}]" for i in range(values.shape[-1])]
        yield Part(name, is_discrete(space), values, labels, note)


def is_discrete(space: Space) -> bool:
    """Return whether the numbers of a part name something, and are not measured."""
    return isinstance(space, (Discrete, MultiBinary, MultiDiscrete)) or space.dtype == np.bool_


def _chosen(space: Any, name: str) -> tuple[np.ndarray, str]:
    """Return the indices of the numbers that are predicted, and a note if these are not all."""
    size = math.prod(space.shape or ())
    classes = min(int(np.max(_counts(space))), MOST_CLASSES) if is_discrete(space) else 1
    most = min(MOST_NUMBERS, MOST_COLUMNS // classes)
    if size <= most:
        return np.arange(size), ""
    chosen = np.linspace(0, size - 1, most).astype(int)
    return chosen, f"{name}: {most} of its {size:,} numbers are probed"


def _counts(space: Any) -> np.ndarray:
    """Return how many classes each number of a discrete part has, [k] or [1]."""
    if isinstance(space, Discrete):
        return np.array([space.n])
    return np.ravel(space.nvec) if isinstance(space, MultiDiscrete) else np.array([2])


def _labels(shape: tuple[int, ...], chosen: np.ndarray) -> list[str]:
    if math.prod(shape) == 1:
        return [""]
    places = zip(*np.unravel_index(chosen, shape), strict=True)
    return [f"[{', '.join(map(str, place))}]" for place in places]


Reader = tuple[str, Space, Callable[[Inputs], np.ndarray], str]
"""The name of a part, its space, the function that reads it, and a note, as in ``Part``."""


def _readers(policy: Policy) -> Iterator[Reader]:
    """Yield for each part of the observation a function that reads its numbers [B, k].

    It undoes what ``popgym.spaces.inputs.InputEncoder`` does.
    """
    shapes = policy.spec.encoder().shapes
    begin, pictures = {NUMBERS: 0, MEASURED: 0}, 0
    for path, space in leaves(policy.observation_space):
        name = observation_name(path)
        if f"{PICTURE}0" in shapes and is_picture(space):
            yield name, space, _picture_reader(f"{PICTURE}{pictures}"), _picture_note(name)
            pictures += 1
            continue
        array = MEASURED if MEASURED in shapes and is_measured(space) else NUMBERS
        yield _row_reader(name, space, array, begin[array])
        begin[array] += make_writer(space, 0).size


def _row_reader(name: str, space: Any, array: str, begin: int) -> Reader:
    """Return the reader of a part that is in the columns of a row from ``begin``."""
    end = begin + make_writer(space, 0).size
    if isinstance(space, (Discrete, MultiDiscrete)):
        chosen, note = _chosen(space, name)
        decode = _one_hot_decoder(_counts(space))[:, chosen]
        return name, space, lambda inputs: inputs[array][:, begin:end] @ decode, note
    if is_picture(space):
        return name, space, _flat_picture_reader(array, begin, space), _picture_note(name)
    chosen, note = _chosen(space, name)
    return name, space, lambda inputs: inputs[array][:, begin + chosen], note


def _one_hot_decoder(counts: np.ndarray) -> np.ndarray:
    """Return the matrix that turns rows of one-hot vectors into the indices of their ones."""
    decoder = np.zeros((int(counts.sum()), len(counts)), np.float32)
    ends = np.cumsum(counts)
    for i, (count, end) in enumerate(zip(counts, ends, strict=True)):
        decoder[end - count : end, i] = np.arange(count)
    return decoder


def _picture_reader(array: str) -> Callable[[Inputs], np.ndarray]:
    return lambda inputs: _pooled(inputs[array])


def _flat_picture_reader(array: str, begin: int, space: Box) -> Callable[[Inputs], np.ndarray]:
    """Return the reader of pictures that are flattened in the columns of a row from ``begin``."""

    def read(inputs: Inputs) -> np.ndarray:
        rows = inputs[array][:, begin : begin + math.prod(space.shape)]
        pictures = rows.reshape(len(rows), *space.shape)
        return _pooled(np.moveaxis(pictures, 1, -1) if is_channels_first(space) else pictures)

    return read


def _picture_note(name: str) -> str:
    return f"{name}: the picture is averaged to a grey one of {_GRID} × {_GRID}"


def _pooled(pictures: np.ndarray) -> np.ndarray:
    """Return pictures [B, H, W, C] as coarse grey ones, [B, 16]."""
    grey = torch.from_numpy(pictures.mean(-1, dtype=np.float32))
    return functional.adaptive_avg_pool2d(grey, _GRID).flatten(1).numpy()
