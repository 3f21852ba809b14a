"""Battleship's odds beside a count of all fleets one by one."""

import numpy as np
import pytest

import popgym.envs
from popgym.players import play_episodes
from popgym.players.battleship import BattleshipScripted
from popgym.players.fleet_odds import MAX_EXPLANATIONS, Fleet, places_of
from popgym.players.random import Random


def drawn(fleet, rng):
    """A fleet placed ship by ship, [squares] bool."""
    taken = np.zeros(fleet.squares, bool)
    for places in fleet.places:
        room = [place for place in places > 0 if not (place & taken).any()]
        taken = taken | room[rng.integers(len(room))]
    return taken


def every_fleet(fleet, shots, hits):
    """The odds by trying all fleets, each as likely as it is drawn."""
    found, whole = np.zeros(fleet.squares), 0.0

    def place(ship, taken, likely):
        nonlocal found, whole
        if ship == len(fleet.places):
            if (taken[shots] == hits[shots]).all():
                found, whole = found + likely * taken, whole + likely
            return
        room = [spot for spot in fleet.places[ship] > 0 if not (spot & taken).any()]
        for spot in room:
            place(ship + 1, taken | spot, likely / len(room))

    place(0, np.zeros(fleet.squares, bool), 1.0)
    return found / whole


def positions(fleet, seed, count):
    """Boards shot at to some extent: shots and hits."""
    rng = np.random.default_rng(seed)
    for share in rng.choice([0.0, 0.1, 0.3, 0.5], count):
        shots = rng.random(fleet.squares) < share
        yield shots, shots & drawn(fleet, rng)


@pytest.mark.parametrize("side, sizes", [(3, (2,)), (4, (2, 3)), (4, (3, 1)), (5, (4, 4))])
def test_odds_of_up_to_two_ships_are_those_of_all_fleets(side, sizes):
    fleet = Fleet(side, sizes)
    for shots, hits in positions(fleet, 1, 20):
        expected = every_fleet(fleet, shots, hits)
        np.testing.assert_allclose(fleet.odds(shots, hits), expected, atol=1e-5)


@pytest.mark.parametrize("side, sizes, error", [(5, (2, 3, 3), 0.02), (4, (2, 2, 3), 0.08)])
def test_odds_of_more_ships_are_nearly_those_of_all_fleets(side, sizes, error):
    fleet = Fleet(side, sizes)
    for shots, hits in positions(fleet, 2, 12):
        odds, expected = fleet.odds(shots, hits), every_fleet(fleet, shots, hits)
        np.testing.assert_allclose(odds, expected, atol=error)
        assert odds.sum() == pytest.approx(sum(sizes), abs=1e-4)
        best = np.where(shots, -1, odds).argmax()
        assert expected[best] >= expected[~shots].max() - 0.01


def test_odds_are_none_where_no_fleet_can_lie_so():
    fleet = Fleet(3, (2, 2))
    shots, hits = np.ones(9, bool), np.zeros(9, bool)
    hits[[0, 8, 4]] = True
    assert (fleet.odds(shots, hits) == 0).all()


def test_many_explanations_are_thinned_out_and_odds_stay_odds():
    fleet = Fleet(12, (4,) * 9)
    hits = np.zeros(144, bool)
    hits[[13, 18, 22, 61, 66, 70, 121, 126]] = True
    shots = hits.copy()
    parts = list(
        fleet._explanations(
            [np.ones(len(p), bool) for p in fleet.places], [p[:, hits] > 0 for p in fleet.places]
        )
    )
    assert 0 < max(map(len, parts)) <= MAX_EXPLANATIONS
    odds = fleet.odds(shots, hits)
    assert odds[hits] == pytest.approx(1.0) and (odds < 1 + 1e-6).all()


def test_places_are_all_lines_within_the_board():
    assert [len(places_of(8, size)) for size in (1, 2, 3, 8)] == [64, 112, 96, 16]
    assert (places_of(5, 3).sum(axis=1) == 3).all()


def test_it_sinks_all():
    task = popgym.envs.find("BattleshipEasy").task()
    returns = play_episodes(task, BattleshipScripted, 16, seed=3)
    misses = (1 - returns) * (64 - 12)  # all twelve hits, or this is no whole number
    assert (misses < 64 - 12).all()
    np.testing.assert_allclose(misses, np.round(misses), atol=1e-6)


def test_it_fires_at_squares_not_fired_at_before():
    env = popgym.envs.find("BattleshipEasy").vector_class(4, autoreset_mode="SameStep")
    player = BattleshipScripted(env.family, 4, seed=0)
    obs, start = env.reset(seed=4)[0], np.ones(4, bool)
    fired = [set() for _ in range(4)]
    for _ in range(70):
        actions = player.act(obs, start)
        for squares, first, action in zip(fired, start, actions.tolist(), strict=True):
            if first:
                squares.clear()
            assert tuple(action) not in squares
            squares.add(tuple(action))
        obs, _, terminated, truncated, _ = env.step(actions)
        start = terminated | truncated


def test_it_beats_random_play_by_far():
    task = popgym.envs.find("BattleshipEasy").task()
    scripted, random = (play_episodes(task, p, 40, seed=5) for p in (BattleshipScripted, Random))
    assert scripted.mean() > random.mean() + 1.0
