"""Other plausible observations, which take the place of recorded ones.

If the environment has a hidden draw (popgym's tasks), it is the observation of the same step in an
episode with another draw, in which the recorded actions are taken. Where that episode is already
over, and in other environments, it is the observation of a random step of another episode.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from gymnasium.vector import VectorEnv

from popgym.inputs import MASK
from popgym.insight.recording import Inputs, Recording, hidden_state_of, replay
from popgym.runs.policy import Policy
from popgym.runs.seeds import Stream, derive
from popgym.spaces.inputs import InputEncoder

TRIES = 8
"""How many observations of each kind are tried, until one differs from the recorded one."""


class Alternatives(NamedTuple):
    """What the network would see if one observation were another."""

    inputs: list[Inputs]
    """For each episode, the inputs with another observation at each step, [T, ...] each."""
    usable: list[np.ndarray]
    """For each episode, at which steps another observation was found, [T] bool."""
    drawn: int
    """How many are of another hidden draw."""
    borrowed: int
    """How many are of another step."""


def alternatives(
    policy: Policy, environments: VectorEnv, recording: Recording, *, seed: int
) -> Alternatives:
    """Find another observation for each recorded step.

    Args:
        policy: The policy that was recorded.
        environments: The environments, which are played again if they have hidden draws.
        recording: The recorded play.
        seed: The seed of the recording.
    """
    episodes = [each.inputs for each in recording.episodes]
    found = [{name: array.copy() for name, array in inputs.items()} for inputs in episodes]
    usable = [np.zeros(T, bool) for T in recording.lengths]
    drawn = 0
    if hidden_state_of(environments):
        for candidates, there in _other_draws(policy, environments, recording, seed):
            drawn += _fill(found, usable, episodes, candidates, there)
    borrowed = 0
    for candidates in _other_steps(policy.spec.encoder(), episodes, seed):
        borrowed += _fill(found, usable, episodes, candidates, recording.lengths)
    return Alternatives(found, usable, drawn, borrowed)


def _other_draws(
    policy: Policy, environments: VectorEnv, recording: Recording, seed: int
) -> Iterator[tuple[list[Inputs], np.ndarray]]:
    """Yield the inputs of all episodes with other draws, and the lengths of these episodes."""
    for draw in range(TRIES):
        seen, lengths = replay(policy, environments, recording, seed=seed, draw=draw)
        arrays = {name: np.stack([each[name] for each in seen]) for name in seen[0]}
        yield (
            [{name: array[:T, i] for name, array in arrays.items()}
             for i, T in enumerate(recording.lengths)],
            lengths,
        )  # fmt: skip


def _other_steps(
    encoder: InputEncoder, episodes: list[Inputs], seed: int
) -> Iterator[list[Inputs]]:
    """Yield the inputs of all episodes with the observations of random steps of other episodes.

    If there is only one episode, the steps are its own.
    """
    rng = np.random.default_rng(derive(seed, Stream.INSPECTION, 0))
    lengths = [_steps(inputs) for inputs in episodes]
    pool = {name: np.concatenate([each[name] for each in episodes]) for name in episodes[0]}
    ends = np.cumsum(lengths)
    total = int(ends[-1])
    for _ in range(TRIES):
        candidates = []
        for inputs, T, end in zip(episodes, lengths, ends, strict=True):
            others = total - T
            if others:  # count on from the end of this episode, and around
                chosen = (end + rng.integers(others, size=T)) % total
            else:
                chosen = rng.integers(total, size=T)
            drawn = {name: array[chosen] for name, array in pool.items()}
            candidates.append(encoder.exchange(inputs, drawn))
        yield candidates


def _fill(
    found: list[Inputs],
    usable: list[np.ndarray],
    episodes: list[Inputs],
    candidates: list[Inputs],
    lengths: np.ndarray,
) -> int:
    """Take the candidates that differ from what was seen, where nothing has been found yet."""
    taken = 0
    parts = zip(found, usable, episodes, candidates, lengths, strict=True)
    for result, done, inputs, candidate, length in parts:
        new = ~done & (np.arange(len(done)) < length) & _differ(inputs, candidate)
        for name, array in result.items():
            array[new] = candidate[name][new]
        done |= new
        taken += int(new.sum())
    return taken


def _differ(a: Inputs, b: Inputs) -> np.ndarray:
    """Return at which steps the observations of two inputs differ, [T] bool."""
    found = np.zeros(_steps(a), bool)
    for name in a:
        if name != MASK:
            found |= (a[name] != b[name]).reshape(len(found), -1).any(1)
    return found


def _steps(inputs: Inputs) -> int:
    return len(next(iter(inputs.values())))
