"""Players of the tasks with cards, against answers worked out by hand."""

import numpy as np
import pytest

import popgym.envs
from popgym.players import make_player, play_episodes, players_of
from popgym.players.concentration import ConcentrationPerfect, trials
from tests.envs import exact
from tests.envs.chance import assert_mean

BEGIN, GO_ON = np.array([True]), np.array([False])


def answers(player, observations):
    """What a player of one environment does in an episode of these observations."""
    starts = [BEGIN] + [GO_ON] * (len(observations) - 1)
    pairs = zip(observations, starts, strict=True)
    return [player.act(obs, start).tolist()[0] for obs, start in pairs]


def numbers(*values):
    return [np.array([value]) for value in values]


def test_repeat_previous_by_hand():
    suits = numbers(3, 1, 2, 2, 0, 1)
    perfect = make_player("RepeatPreviousEasy", "perfect", k=3)
    assert answers(perfect, suits)[2:] == [3, 1, 2, 2]
    memoryless = make_player("RepeatPreviousEasy", "memoryless")
    assert all(a != suit for a, suit in zip(answers(memoryless, suits), suits, strict=True))


@pytest.mark.parametrize("player", ["memoryless", "perfect"])
def test_with_k_one_no_memory_is_needed(player):
    task = popgym.envs.find("RepeatPrevious").task(k=1)
    returns = play_episodes(task, players_of("RepeatPrevious")[player], 8, seed=1)
    np.testing.assert_allclose(returns, 1.0)


def test_repeat_first_by_hand():
    suits = numbers(3, 1, 2, 2, 0)
    assert answers(make_player("RepeatFirstEasy", "perfect"), suits) == [3] * 5
    assert answers(make_player("RepeatFirstEasy", "memoryless"), suits) == [3, 1, 2, 2, 0]


def test_autoencode_by_hand():
    suits = np.arange(52) % 4
    watched = [(np.array([1]), np.array([suit])) for suit in suits[:-1]]
    played = [(np.array([0]), np.array([suit])) for suit in (suits[-1], *[0] * 51)]
    for name, expected in (("perfect", suits[::-1]), ("memoryless", [3] + [0] * 51)):
        player = make_player("AutoencodeEasy", name)
        assert answers(player, watched + played)[51:] == list(expected)


def test_count_recall_by_hand():
    observations = [np.array([pair]) for pair in ([1, 1], [1, 0], [0, 1], [1, 1])]
    player = make_player("CountRecallEasy", "perfect")
    assert answers(player, observations) == [1, 0, 2, 3]


@pytest.mark.parametrize("name, cards, kinds", [("Easy", 52, 2), ("Medium", 104, 4)])
def test_the_clock_names_a_likeliest_count_after_every_card(name, cards, kinds):
    player = make_player(f"CountRecall{name}", "clock")
    said = answers(player, [np.zeros((1, 2), int)] * (cards - 1))
    for dealt, answer in enumerate(said, start=1):
        chances = exact.count_chances(cards, kinds, dealt)
        assert chances[answer] == pytest.approx(chances.max(), rel=1e-12)


def test_higher_lower_by_hand():
    player = make_player("HigherLowerEasy", "perfect")
    ranks = [5] * 4 + [4] * 4 + [3] * 4 + [7, 7, 7]  # of those left 4·3 lie below 6, 4·6 above 7
    assert answers(player, numbers(*ranks, 6, 8, 11))[-3:] == [0, 0, 1]
    low_gone = [rank for rank in range(6) for _ in range(4)]
    assert answers(player, numbers(*low_gone, 6, 7, 9, 10))[-4:] == [0, 0, 0, 1]


def test_higher_lower_below_above_and_at_the_middle_without_memory():
    player = make_player("HigherLowerEasy", "memoryless")
    assert answers(player, numbers(0, 5, 6, 7, 12)) == [0, 0, 1, 1, 1]


CONCENTRATION = [("Easy", 2, 26), ("Medium", 2, 52), ("Hard", 13, 4)]


@pytest.mark.parametrize("level, kinds, each", CONCENTRATION)
def test_concentration_is_finished_and_costs_two_steps_a_failure(level, kinds, each):
    task = popgym.envs.find(f"Concentration{level}").task()
    returns = play_episodes(task, ConcentrationPerfect, 500, seed=6)
    failures = (1 - returns) * kinds * each
    np.testing.assert_allclose(failures, np.round(failures), atol=1e-6)
    assert (failures <= kinds * each / 2).all() and (returns < 1).any()


@pytest.mark.parametrize("decks, deck_type", [(1, "colors"), (1, "ranks"), (2, "colors")])
def test_concentration_earns_what_the_best_of_all_ways_to_play_earns(decks, deck_type):
    task = popgym.envs.find("Concentration").task(num_decks=decks, deck_type=deck_type)
    returns = play_episodes(task, ConcentrationPerfect, 2000, seed=7)
    best = {1: {"colors": (2, 26), "ranks": (13, 4)}, 2: {"colors": None}}[decks][deck_type]
    assert_mean(returns, exact.concentration_perfect(*best) if best else 0.8333256)


def test_when_to_try_another_card_agrees_with_dynamic_programming_over_all_ways_to_play():
    each = 8
    compared = 0
    for new, new_other, known, known_other in np.ndindex(9, 9, 9, 9):
        reachable = (new + known) % 2 == (new_other + known_other) % 2 == 0
        fits = new + known <= each and new_other + known_other <= each
        if not (reachable and fits and new and known and new + new_other > 1):
            continue
        others = tuple([(known_other, new_other)] if new_other else [])
        take = exact.after(others, (known - 1, new - 1))
        attempt = exact.then_new(known, new - 1, others)
        if abs(take - attempt) > 1e-9:
            compared += 1
            assert trials(each)[new, new_other, known, known_other] == (attempt < take)
    assert compared > 100


def test_more_cards_than_are_tabulated_are_played_to_the_end():
    for arguments in ({"num_decks": 3, "deck_type": "colors"}, {"num_decks": 2}):
        task = popgym.envs.find("Concentration").task(**arguments)
        assert (play_episodes(task, ConcentrationPerfect, 20, seed=8) > 0.6).all()
