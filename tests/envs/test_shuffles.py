"""Every deck of every family is shuffled uniformly and anew for each episode."""

import numpy as np
import pytest

import popgym.envs
from popgym.core.hidden import Permutation
from popgym.envs.registry import FAMILIES
from tests.envs.chance import assert_plausible, chi_square

DECKS = [
    pytest.param(
        family.__name__.removesuffix("Family") + "Easy", key, id=f"{family.__name__}-{key}"
    )
    for family in FAMILIES
    for key, field in family(**family.presets["Easy"]).hidden.items()
    if isinstance(field, Permutation)
]
COUNT = 20_000


def shuffled(env, key, seed):
    env.reset(seed=seed)
    return env.snapshot()["records"][key].astype(int)


@pytest.mark.parametrize("name, key", DECKS)
@pytest.mark.parametrize("seed", [0, list(range(COUNT))], ids=["indices", "seeds"])
def test_every_card_is_as_likely_at_every_place(name, key, seed):
    # Over the environments of one seed, and over seeds: both must give independent shuffles.
    deck = shuffled(popgym.envs.find(name).vector_class(COUNT), key, seed)
    counts = np.stack([np.bincount(column, minlength=52) for column in deck.T])
    assert_plausible(chi_square(counts), 51 * 51)


@pytest.mark.parametrize("name, key", DECKS)
def test_every_pair_of_cards_is_as_likely_to_follow_one_another(name, key):
    deck = shuffled(popgym.envs.find(name).vector_class(COUNT), key, 1)
    pairs = (deck[:, :-1] * 52 + deck[:, 1:]).reshape(-1)
    counts = np.bincount(pairs, minlength=52 * 52).reshape(52, 52)
    assert (np.diag(counts) == 0).all()
    assert_plausible(chi_square(counts[~np.eye(52, dtype=bool)]), 52 * 51 - 1)


@pytest.mark.parametrize("name, key", DECKS)
def test_successive_decks_of_an_environment_are_independent(name, key):
    env = popgym.envs.find(name).vector_class(COUNT)
    first, second = (shuffled(env, key, seed)[:, 0] for seed in (2, None))
    assert_plausible(chi_square(np.bincount(first * 52 + second, minlength=52 * 52)), 51 * 51)
