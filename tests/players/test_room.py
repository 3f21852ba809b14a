"""The players' common frame: names, episodes, dice."""

from typing import ClassVar

import numpy as np
import pytest

import popgym.envs
from popgym.players import PLAYERS, make_player, play_episodes, players_of
from popgym.players.random import Random


def test_every_family_has_a_random_player():
    for players in PLAYERS.values():
        assert next(iter(players)) == "random" and players["random"] is Random
    assert players_of("HigherLowerEasy") is not PLAYERS[popgym.envs.find("HigherLowerEasy").family]


def test_a_family_of_ones_own_has_a_random_player_until_it_is_given_others(monkeypatch):
    class OwnHigherLowerFamily(popgym.envs.find("HigherLower").family):
        presets: ClassVar = {"Easy": {}}

    popgym.envs.register(OwnHigherLowerFamily)
    assert players_of("OwnHigherLowerEasy") == {"random": Random}
    monkeypatch.setitem(PLAYERS, OwnHigherLowerFamily, {"perfect": Random})
    assert isinstance(make_player("OwnHigherLowerEasy"), Random)


def test_what_a_player_is_called_with_reaches_the_task():
    player = make_player("RepeatPreviousHard", "random", num_envs=3, seed=1, k=7)
    assert (player.task.k, player.num_envs) == (7, 3)
    assert player.how() == "Draws every action uniformly from the action space."


@pytest.mark.parametrize(
    "arguments, error, match",
    [
        (("RepeatPreviousEasi", "random"), ValueError, "did you mean 'RepeatPreviousEasy'"),
        (("RepeatPreviousEasy", "rendom"), ValueError, "of RepeatPreviousEasy: 'rendom'; did you"),
        (("RepeatPreviousEasy", "xyz"), ValueError, "'xyz'; allowed: random, memoryless, perfect"),
        (("RepeatPreviousEasy", None), ValueError, "'None'; "),
        (("RepeatPreviousEasy", "random", 0), ValueError, "num_envs must be a whole number"),
        (("RepeatPreviousEasy", "random", 1, -1), ValueError, "seed must be a whole number from 0"),
        (("RepeatPreviousEasy", "random", 1, 0.5), ValueError, "got 0.5"),
    ],
)
def test_what_there_is_not_is_refused(arguments, error, match):
    with pytest.raises(error, match=match):
        make_player(*arguments)


def test_an_argument_that_the_environment_does_not_take_is_refused():
    with pytest.raises(TypeError, match="unknown argument 'decks'"):
        make_player("RepeatPreviousEasy", "random", decks=2)


@pytest.mark.parametrize("arguments", [{"episodes": 0}, {"episodes": 2.0}, {"num_envs": 0}])
def test_wrong_numbers_of_episodes_or_environments_are_refused(arguments):
    task = popgym.envs.find("RepeatPreviousEasy").task()
    with pytest.raises(ValueError, match="must be a whole number at least 1"):
        play_episodes(task, Random, **{"episodes": 1, **arguments})


@pytest.mark.parametrize("episodes, num_envs", [(1, 256), (7, 3), (6, 3), (10, 1)])
def test_as_many_returns_as_episodes_and_each_of_a_whole_one(episodes, num_envs):
    task = popgym.envs.find("MultiarmedBanditEasy").task(num_bandits=1, episode_length=9)
    returns = play_episodes(task, Random, episodes, seed=1, num_envs=num_envs)
    assert returns.shape == (episodes,)
    counts = (returns + 1) * 9 / 2  # of pulls that paid
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-9)


def test_starts_are_told_to_the_player():
    task = popgym.envs.find("MultiarmedBandit").task(num_bandits=2, episode_length=6)
    seen = []

    class Watcher(Random):
        def act(self, obs, start):
            seen.append(start.tolist())
            return super().act(obs, start)

    play_episodes(task, Watcher, 4, num_envs=2)
    assert seen == [[step % 6 == 0] * 2 for step in range(12)]


def test_episodes_of_different_lengths_are_counted_alike():
    """MineSweeper ends early where it goes badly: the first to end would be the worst."""
    task = popgym.envs.find("MineSweeperEasy").task()
    few, many = (play_episodes(task, Random, 6000, seed=2, num_envs=n) for n in (50, 6000))
    error = np.sqrt(few.var() / 6000 + many.var() / 6000)
    assert abs(few.mean() - many.mean()) < 4 * error


def test_the_seed_alone_decides():
    task = popgym.envs.find("MineSweeperEasy").task()
    first, again, other = (play_episodes(task, Random, 20, seed=seed) for seed in (3, 3, 4))
    assert (first == again).all() and (first != other).any()


@pytest.mark.parametrize(
    "name, width",
    [("RepeatPreviousEasy", 3), ("BattleshipEasy", 7), ("PositionOnlyPendulumEasy", 3.98)],
)
def test_random_actions_fill_the_action_space(name, width):
    env = popgym.envs.find(name).vector_class(4000)
    actions = make_player(name, "random", 4000, seed=5).act(None, np.ones(4000, bool))
    assert actions in env.action_space
    assert (np.ptp(actions, axis=0) >= width).all()
