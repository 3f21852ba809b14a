"""Derives all random numbers of a run from one seed, with a separate stream for each use.

numpy's ``SeedSequence`` hashes the seed together with a path of whole numbers. So streams with
neighbouring seeds or paths are independent, unlike seeds computed as ``seed + i``. The paths are:

====================== =======================================================
stream                 path
====================== =======================================================
network weights        WEIGHTS
order of minibatches   MINIBATCHES
play in training       ENVIRONMENTS or ACTIONS, runner, life
evaluation in training EVALUATION_ENVIRONMENTS or EVALUATION_ACTIONS, runner
``popgym.evaluate``    STANDALONE_ENVIRONMENTS
a policy's actions     POLICY
``popgym.inspect``     INSPECTED_ENVIRONMENTS; OTHER_DRAWS, draw; INSPECTION, use
====================== =======================================================

For Gymnasium environments, the index of the environment in the vector environment is appended to
the path. popgym's own vector environments take one seed and derive the others themselves.

``life`` is the number of environment steps that the run had made when the runner was last started:
0 at first, and more after the run is resumed or the runner is restarted, so that new episodes are
played. Resuming twice from the same checkpoint plays the same episodes twice. All evaluations
during training play the same episodes, so that they can be compared.

The global generators of the process are not changed. So the random numbers that a user's
environment or memory takes from them during the run do not depend on the run's seed.
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
    """The use of a stream of random numbers: the first part of its path."""

    WEIGHTS = 0
    MINIBATCHES = 1
    ENVIRONMENTS = 2
    ACTIONS = 3
    EVALUATION_ENVIRONMENTS = 4
    EVALUATION_ACTIONS = 5
    STANDALONE_ENVIRONMENTS = 6
    POLICY = 7
    INSPECTED_ENVIRONMENTS = 8
    OTHER_DRAWS = 9
    INSPECTION = 10


def derive(seed: int, stream: Stream, *path: int) -> int:
    """Return the 64-bit seed of a stream.

    Args:
        seed: The run's seed.
        stream: The use of the random numbers.
        path: The rest of the path, see the module's docstring.

    Raises:
        ValueError: If the seed is negative or not a whole number.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be a whole number of at least 0, got {seed!r}")
    # Two words for each part, so that different paths always give different words.
    words = [word for part in (int(stream), *path) for word in divmod(part, 2**32)]
    sequence = np.random.SeedSequence(int(seed), spawn_key=words)
    return int(sequence.generate_state(1, np.uint64)[0])


def some_seed(seed: int | None) -> int:
    """Return ``seed``, or a random one from the operating system if it is None."""
    return secrets.randbits(64) if seed is None else seed


def reset_seed(environments: VectorEnv, seed: int, stream: Stream, *path: int) -> int | list[int]:
    """Return the argument ``seed`` for ``reset`` of a vector environment.

    popgym's vector environments take one number. Others take one for each environment; these are
    below 2³¹, because many environments pass them on to libraries that accept no larger seed.
    """
    if isinstance(environments.unwrapped, POPGymVectorEnv):
        return derive(seed, stream, *path)
    return [derive(seed, stream, *path, i) >> 33 for i in range(environments.num_envs)]


def generator(seed: int, stream: Stream, *path: int) -> torch.Generator:
    """Return a torch generator for a stream."""
    return torch.Generator().manual_seed(derive(seed, stream, *path))


@contextmanager
def fresh_weights(seed: int) -> Iterator[None]:
    """Initialise the weights of networks that are built in this context from the run's seed.

    torch's layers always use the global generators. So these are seeded for the duration of the
    context and restored afterwards, and only one thread at a time may be in such a context.
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
