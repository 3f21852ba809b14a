"""Where the random numbers of a run come from: one seed, and a stream of its own for each use.

numpy's ``SeedSequence`` hashes the seed together with a path of whole numbers. So streams with
neighbouring seeds or paths have nothing in common, as ``seed + i`` would have. The paths are:

====================== =======================================================
stream                 path
====================== =======================================================
network weights        WEIGHTS
order of minibatches   MINIBATCHES
play in training       ENVIRONMENTS or ACTIONS, runner, life
evaluation in training EVALUATION_ENVIRONMENTS or EVALUATION_ACTIONS, runner
``popgym.evaluate``    STANDALONE_ENVIRONMENTS
a policy's draws       POLICY
====================== =======================================================

To that, a Gymnasium environment's index in its vector is appended. Our own vector environments take
one seed and tell their environments apart by themselves.

``life`` is the number of environment steps that the run had made when the runner last began anew:
0 at first, and more after a resumption or a restart, which therefore plays new episodes. To resume
twice from one checkpoint plays the same episodes twice. Every evaluation in training plays the same
episodes, so that a run's evaluations can be compared.

The process's own generators are left as they are. So what a user's environment or memory draws from
them while it runs does not depend on the run's seed.
"""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import numpy as np
import torch
from gymnasium.vector import VectorEnv

from popgym.core.vector import POPGymVectorEnv

_BUILDING = threading.RLock()


class Stream(IntEnum):
    """What random numbers are for: the first part of a path."""

    WEIGHTS = 0
    MINIBATCHES = 1
    ENVIRONMENTS = 2
    ACTIONS = 3
    EVALUATION_ENVIRONMENTS = 4
    EVALUATION_ACTIONS = 5
    STANDALONE_ENVIRONMENTS = 6
    POLICY = 7


def derive(seed: int, stream: Stream, *path: int) -> int:
    """Return the 64-bit seed of a stream.

    Args:
        seed: The run's seed.
        stream: What the random numbers are for.
        path: The rest of the path, see the module.

    Raises:
        ValueError: If the seed is negative or not a whole number.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be a whole number from 0 on, got {seed!r}")
    # Two words each, so that no two paths are the same row of words.
    words = [word for part in (int(stream), *path) for word in divmod(part, 2**32)]
    sequence = np.random.SeedSequence(int(seed), spawn_key=words)
    return int(sequence.generate_state(1, np.uint64)[0])


def some_seed(seed: int | None) -> int:
    """Return ``seed``, or one drawn by the operating system for None."""
    return secrets.randbits(64) if seed is None else seed


def reset_seed(environments: VectorEnv, seed: int, stream: Stream, *path: int) -> int | list[int]:
    """Return what to pass as ``seed`` to ``reset`` of a vector environment.

    Ours take one number. Others take one for each environment; it is below 2³¹, since many
    environments pass it on to a library that takes no larger one.
    """
    if isinstance(environments.unwrapped, POPGymVectorEnv):
        return derive(seed, stream, *path)
    return [derive(seed, stream, *path, i) >> 33 for i in range(environments.num_envs)]


def generator(seed: int, stream: Stream, *path: int) -> torch.Generator:
    """Return a torch generator at the beginning of a stream."""
    return torch.Generator().manual_seed(derive(seed, stream, *path))


@contextmanager
def fresh_weights(seed: int) -> Iterator[None]:
    """Let networks that are built inside draw their weights from the run's seed.

    Layers draw from the process's generators, which cannot be avoided. So these are seeded for
    this while and then put back, and only one thread at a time may build.
    """
    derived = derive(seed, Stream.WEIGHTS)
    with _BUILDING, torch.random.fork_rng(devices=()):
        python, legacy = random.getstate(), np.random.get_state()
        try:
            torch.default_generator.manual_seed(derived)
            np.random.seed(derived % 2**32)
            random.seed(derived)
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)
