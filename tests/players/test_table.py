"""The table of scores is that of the players there are, and of how they play now."""

from math import hypot, sqrt

import pytest

import popgym.envs
from popgym.envs.registry import ENTRIES, FAMILIES
from popgym.players import play_episodes, players_of

MEASURED = [name for name, entry in ENTRIES.items() if entry.level and entry.family in FAMILIES]
EASY = [name for name in MEASURED if ENTRIES[name].level == "Easy"]
CASES = [(name, player) for name in EASY for player in players_of(name)]


@pytest.mark.parametrize("name", MEASURED)
def test_every_player_of_every_environment_was_measured_and_none_besides(name):
    scores, players = popgym.envs.reference_scores(name), players_of(name)
    assert list(scores) == list(players)
    assert {p: score.how for p, score in scores.items()} == {
        p: player.how() for p, player in players.items()
    }


@pytest.mark.parametrize("name, player", CASES)
def test_players_still_earn_what_the_table_says(name, player):
    score, task = popgym.envs.reference_scores(name)[player], popgym.envs.find(name).task()
    returns = play_episodes(task, players_of(name)[player], 48, seed=11)
    deviation = score.standard_error * sqrt(score.episodes)
    assert abs(returns.mean() - score.mean) < 5 * deviation / sqrt(48) + 1e-6


@pytest.mark.parametrize("name", MEASURED)
def test_every_environment_has_a_floor_and_a_ceiling(name):
    scores = popgym.envs.reference_scores(name)
    floor, ceiling = scores["random"], scores.get("perfect") or scores["scripted"]
    assert all(score.episodes >= 1000 for score in scores.values())
    assert ceiling.mean - floor.mean > 0.2
    assert ceiling.mean - floor.mean > 10 * hypot(floor.standard_error, ceiling.standard_error)


@pytest.mark.parametrize("name", MEASURED)
def test_no_player_earns_more_than_a_perfect_one_or_an_oracle(name):
    scores = popgym.envs.reference_scores(name)
    for bound in ("perfect", "oracle"):
        for player, score in scores.items() if bound in scores else ():
            error = hypot(score.standard_error, scores[bound].standard_error)
            if player != "oracle":
                assert score.mean <= scores[bound].mean + 4 * error + 1e-6


def test_every_family_is_in_the_table():
    bases = {ENTRIES[name].family for name in MEASURED if popgym.envs.reference_scores(name)}
    assert bases == set(FAMILIES)
