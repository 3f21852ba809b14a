"""Streams of random numbers: none is another's, and the process's own are left alone."""

import itertools
import random
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from popgym.runs.environment import make_environments
from popgym.runs.seeds import Stream, derive, fresh_weights, generator, reset_seed, some_seed

SEEDS, RUNNERS, LIVES = (0, 1, 2, 2**31 - 1), range(4), (0, 1, 128, 2**33)
IN_TRAINING = Stream.ENVIRONMENTS, Stream.ACTIONS
IN_EVALUATION = Stream.EVALUATION_ENVIRONMENTS, Stream.EVALUATION_ACTIONS
ALONE = set(Stream) - {*IN_TRAINING, *IN_EVALUATION}


def paths():
    yield from ((stream,) for stream in ALONE)
    yield from itertools.product(IN_EVALUATION, RUNNERS)
    yield from itertools.product(IN_TRAINING, RUNNERS, LIVES)


def vector(num_envs):
    return SimpleNamespace(unwrapped=None, num_envs=num_envs)


def test_no_two_streams_have_the_same_seed():
    derived = [
        derive(seed, *path, *index)
        for seed in SEEDS
        for path in paths()
        for index in [(), *((i,) for i in range(64))]
    ]
    assert len(derived) == len(set(derived)) == 4 * (7 + 2 * 4 + 2 * 16) * 65


def test_no_two_environments_have_the_same_seed_and_every_library_can_take_it():
    environments = [path for path in paths() if path[0].name.endswith("ENVIRONMENTS")]
    given = [
        s for seed in SEEDS for path in environments for s in reset_seed(vector(64), seed, *path)
    ]
    assert len(given) == len(set(given)) == 4 * (2 + 4 + 16) * 64
    assert min(given) >= 0 and max(given) < 2**31
    assert all(type(seed) is int for seed in given)


def test_a_life_of_more_than_32_bits_is_not_taken_for_a_life_and_an_index():
    assert derive(0, Stream.ENVIRONMENTS, 0, 5 + 2**32) != derive(0, Stream.ENVIRONMENTS, 0, 5, 1)


def test_an_environments_seed_does_not_depend_on_how_many_there_are():
    path = (7, Stream.ENVIRONMENTS, 1, 0)
    assert reset_seed(vector(9), *path)[:4] == reset_seed(vector(4), *path)


def test_our_vector_environments_take_one_number():
    environments = make_environments("RepeatPreviousEasy", 3)
    assert reset_seed(environments, 0, Stream.ENVIRONMENTS) == derive(0, Stream.ENVIRONMENTS)
    environments.close()


def test_generators_are_those_of_their_path():
    def draws(*path):
        return torch.rand(8, generator=generator(*path)).tolist()

    assert draws(0, Stream.ACTIONS, 1) == draws(0, Stream.ACTIONS, 1)
    assert not set(draws(0, Stream.ACTIONS, 1)) & set(draws(1, Stream.ACTIONS, 0))


@pytest.mark.parametrize("seed", [-1, 1.0, True, "0", None])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(ValueError, match="seed must be a whole number of at least 0, got"):
        derive(seed, Stream.WEIGHTS)


def test_without_a_seed_one_is_drawn():
    assert some_seed(5) == 5
    assert some_seed(None) != some_seed(None)


def layer(seed):
    with fresh_weights(seed):
        return [nn.Linear(50, 50).weight.tolist(), np.random.rand(), random.random()]


def test_weights_depend_on_the_seed_alone_also_when_threads_build_at_the_same_time():
    alone = [layer(seed) for seed in range(4)]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(layer, list(range(4)) * 20))
    assert together == alone * 20
    assert alone[0] != alone[1]


def test_building_leaves_the_process_its_random_numbers_also_when_it_fails():
    def draws(between):
        torch.manual_seed(3), np.random.seed(3), random.seed(3)
        between()
        return torch.rand(3).tolist(), np.random.rand(), random.random()

    def fail():
        with pytest.raises(ZeroDivisionError), fresh_weights(0):
            torch.rand(1) / 0
            raise ZeroDivisionError

    expected = draws(lambda: None)
    assert draws(lambda: layer(0)) == expected
    assert draws(fail) == expected


def test_a_network_may_be_built_while_another_is():
    with fresh_weights(0):
        inner = layer(1)
    assert inner == layer(1)
