import gymnasium
import numpy as np
import pytest

import popgym.envs
from popgym.envs import ENTRIES, HigherLowerEasy, MineSweeperEasy, RepeatPreviousEasy
from popgym.play import Game, references

EASY = [name for name, entry in ENTRIES.items() if entry.level == "Easy"]


def test_the_right_answers_to_a_known_deal_score_one(in_order):
    env, options = in_order
    game = Game(env, options=options)
    for shown in range(1, 52):
        assert game.enter(str(shown % 4))
    assert game.over
    assert game.score == pytest.approx(1)
    assert game.message.startswith("the episode is over: score +1.000 after 51 steps")


def test_each_step_adds_its_reward_and_the_view_tells_it(in_order):
    env, options = in_order
    game = Game(env, options=options)
    for word in ("s", "s", "s", "s", "s"):  # 0 is right as the fourth answer, not as the fifth
        game.enter(word)
    assert game.view().endswith("score +0.000   spades: reward -0.021")
    assert game.farewell() == "score so far +0.000 after 5 steps"


@pytest.mark.parametrize("cheat", [False, True])
def test_the_answer_is_shown_only_to_a_cheat(in_order, cheat):
    env, options = in_order
    game = Game(env, reveal=cheat, options=options)
    for _ in range(3):
        game.enter("0")
    assert ("it was ♠" in game.view()) == cheat


def test_mines_are_shown_only_to_a_cheat():
    mines = np.zeros((4, 4), int)
    mines[0, 1] = mines[3, 3] = 1
    options = {"hidden": {"mines": mines}}
    assert "*" not in Game(MineSweeperEasy(), options=options).view()
    assert Game(MineSweeperEasy(), reveal=True, options=options).view().count("*") == 2


@pytest.mark.parametrize("name", EASY)
def test_an_honest_view_is_the_picture_of_what_is_seen(name):
    env = getattr(popgym.envs, name)()
    game = Game(env, seed=2)
    env.action_space.seed(2)
    for _ in range(5):
        game.env.step(env.action_space.sample())
        assert game.view().startswith(env.draw(reveal=False))


@pytest.mark.parametrize("word", ["4", "x", "", "1 1", "u"])
def test_a_wrong_word_says_why_and_steps_nothing(in_order, word):
    env, options = in_order
    game = Game(env, options=options)
    before = game.view()
    assert not game.enter(word)
    assert game.message
    assert (game.view(), game.steps) == (before, 0)


def test_there_is_no_undo():
    game = Game(RepeatPreviousEasy(), seed=1)
    game.enter("0")
    game.enter("u")
    assert "no undo" in game.message
    assert game.steps == 1


def test_help_tells_the_task_and_every_key():
    game = Game(HigherLowerEasy(), seed=1)
    game.enter("?")
    for part in ("guess whether the next is higher", "h higher   l lower", "r new episode"):
        assert part in game.message


def test_r_begins_anew_and_another_deal():
    game = Game(HigherLowerEasy(), seed=1)
    first = list(game.env._batch.records[0]["deal_order"])
    game.enter("0")
    assert game.enter("r")
    assert (game.steps, game.score) == (0, 0)
    assert list(game.env._batch.records[0]["deal_order"]) != first


def finish(game):
    while not game.over:
        game.enter("0")


def test_at_the_end_another_episode_is_offered_and_nothing_else_is_understood():
    game = Game(RepeatPreviousEasy(), seed=1)
    finish(game)
    assert game.message.endswith("another episode? y or n")
    assert not game.enter("2")
    assert game.message == "another episode? y or n"
    assert game.enter("y")
    assert not game.over
    finish(game)
    game.enter("n")
    assert game.done
    mean = (game.finished[0] + game.finished[1]) / 2
    assert game.farewell() == f"mean score of 2 episodes {mean:+.3f}"


def test_the_end_tells_what_others_score():
    game = Game(RepeatPreviousEasy(), seed=1, references={"random": -0.5, "perfect": 1})
    finish(game)
    assert "average scores of others: random -0.500, perfect +1.000" in game.message
    assert game.message == f"{game.ending}\nanother episode? y or n"


def test_references_are_those_of_the_published_task_and_of_no_other():
    assert references(RepeatPreviousEasy())["perfect"] == 1
    assert references(RepeatPreviousEasy(k=4)) == references(RepeatPreviousEasy())
    assert references(RepeatPreviousEasy(k=5)) == {}


def test_references_of_a_class_that_only_has_the_name_are_not_taken():
    other = type("RepeatPreviousEasy", (RepeatPreviousEasy,), {})
    assert references(other()) == {}


def test_a_seed_that_was_drawn_is_told_and_repeats_the_game():
    first = Game(HigherLowerEasy())
    again = Game(HigherLowerEasy(), seed=int(first.title().rpartition(" ")[2]))
    assert first.view() == again.view()
    np.testing.assert_array_equal(first.env.get_state(), again.env.get_state())


@pytest.mark.parametrize("words", [["r"], ["0", "r", "r"]])
def test_the_title_of_a_later_episode_has_the_seed_that_repeats_it(words):
    game = Game(HigherLowerEasy(), seed=7)
    for word in words:
        game.enter(word)
    assert game.title() == f"HigherLowerEasy   seed {7 + words.count('r')}"
    again = Game(HigherLowerEasy(), seed=7 + words.count("r"))
    np.testing.assert_array_equal(game.env.get_state(), again.env.get_state())


def test_an_episode_after_the_end_of_one_has_its_own_seed_too():
    game = Game(RepeatPreviousEasy(), seed=1)
    finish(game)
    game.enter("y")
    assert game.title().endswith("seed 2")
    again = Game(RepeatPreviousEasy(), seed=2)
    np.testing.assert_array_equal(game.env.get_state(), again.env.get_state())


def test_quitting_at_once_leaves_nothing_to_say():
    game = Game(RepeatPreviousEasy(), seed=1)
    game.enter("q")
    assert game.done
    assert game.farewell() == ""


def test_an_environment_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="made of a popgym Family"):
        Game(gymnasium.make("CartPole-v1"))
