from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from popgym.core.random import bits, integer, normal_pair, shuffle, stream, uniform


@pytest.fixture(autouse=True)
def counting_modulo_two_to_the_64():
    with np.errstate(over="ignore"):
        yield


def generator(rng=0):
    return SimpleNamespace(rng=np.uint64(rng))


def test_the_bits_are_those_of_splitmix64():
    # The first numbers of the reference implementation (Vigna, splitmix64.c) from state 0.
    s = generator()
    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [int(bits(s)) for _ in range(3)] == expected


def test_whole_numbers_are_uniform_and_in_range():
    s = generator(11)
    counts = np.bincount([integer(s, 6) for _ in range(6000)], minlength=6)
    assert counts.size == 6
    assert ((counts - 1000) ** 2 / 1000).sum() < 20.5  # chi-square, 5 degrees: p = .001


def test_real_numbers_fill_their_interval():
    s = generator(5)
    values = np.array([uniform(s, -2.0, 3.0) for _ in range(5000)])
    assert values.min() >= -2.0 and values.max() < 3.0
    counts, _ = np.histogram(values, bins=10, range=(-2, 3))
    assert ((counts - 500) ** 2 / 500).sum() < 27.9  # 9 degrees: p = .001


def test_both_normal_numbers_of_a_pair_are_standard_and_independent():
    s = generator(3)
    pairs = np.array([normal_pair(s) for _ in range(10_000)])
    np.testing.assert_allclose(pairs.mean(axis=0), 0, atol=0.04)  # 4 standard errors
    np.testing.assert_allclose(pairs.std(axis=0), 1, atol=0.03)
    np.testing.assert_allclose((pairs**4).mean(axis=0), 3, atol=0.4)
    assert abs(np.corrcoef(pairs.T)[0, 1]) < 0.04
    assert abs(np.corrcoef((pairs**2).T)[0, 1]) < 0.04


def test_a_shuffle_keeps_what_it_shuffles():
    items = list(range(20))
    shuffle(generator(1), items)
    assert sorted(items) == list(range(20)) != items


def test_streams_of_neighbouring_seeds_and_indices_do_not_meet():
    starts = stream(np.arange(100)[:, None], np.arange(100)).astype(object)
    assert starts.shape == (100, 100)
    assert len(set(starts.reshape(-1))) == 10_000
    # SplitMix64 counts in steps of its constant: no stream may be a few steps ahead of another.
    inverse = pow(0x9E3779B97F4A7C15, -1, 2**64)
    places = sorted(int(start) * inverse % 2**64 for start in starts.reshape(-1))
    assert min(b - a for a, b in pairwise(places)) > 10**9


def test_a_stream_depends_on_seed_and_index_alone():
    assert stream(7, 3) == stream(7, np.arange(10))[3] != stream(3, 7)
