import pytest

from popgym.envs import (
    BattleshipEasy,
    ConcentrationEasy,
    HigherLowerEasy,
    LabyrinthEscapeEasy,
    MultiarmedBanditMedium,
    PositionOnlyPendulumEasy,
    RepeatPreviousEasy,
)
from popgym.play import Game
from popgym.play.screen import MARKED, PLAIN, Screen
from popgym.play.terminal import BACKSPACE, ENTER


def words(screen, keys):
    return [word for word in map(screen.press, keys) if word is not None]


def screen_of(env, **options):
    return Screen(Game(env, seed=1, **options))


def test_a_key_that_is_an_action_is_a_word_at_once():
    assert words(screen_of(RepeatPreviousEasy()), "2h") == ["2", "h"]
    assert words(screen_of(LabyrinthEscapeEasy()), "→w") == ["→", "w"]


def test_longer_numbers_are_entered():
    screen = screen_of(MultiarmedBanditMedium())
    assert words(screen, ["1", "9", BACKSPACE, "7"]) == []
    assert "> 17" in screen.show()
    assert words(screen, [ENTER]) == ["17"]
    assert "> 17" not in screen.show()


def test_a_real_number_is_entered_with_its_sign_and_point():
    assert words(screen_of(PositionOnlyPendulumEasy()), ["-", *"1.5", ENTER, "→"]) == ["-1.5", "→"]


def test_enter_and_space_take_the_square_under_the_cursor():
    screen = screen_of(BattleshipEasy())
    assert words(screen, ["→", "↓", "↓", ENTER, "←", " "]) == ["2 1", "2 0"]


def test_a_square_may_be_typed_too():
    assert words(screen_of(BattleshipEasy()), [*"3 4", ENTER]) == ["3 4"]


def test_the_cursor_stays_on_the_board():
    screen = screen_of(BattleshipEasy())
    assert words(screen, ["←", "↑", ENTER]) == ["0 0"]
    assert words(screen, [*"→↓" * 20, ENTER]) == ["7 7"]


def marked(screen):
    return [line.partition(MARKED)[2].partition(PLAIN)[0] for line in screen.show().split("\n")]


def test_the_square_under_the_cursor_is_marked_in_the_picture():
    screen = screen_of(BattleshipEasy())
    words(screen, "→↓↓")
    screen.game.enter("2 1")
    assert [square for square in marked(screen) if square] in (["☒"], ["⚬"])


@pytest.mark.parametrize(("row", "column"), [(0, 0), (2, 5), (3, 12)])
def test_a_numbered_square_is_marked_where_its_card_lies(row, column):
    screen = screen_of(ConcentrationEasy())
    words(screen, "↓" * row + "→" * column)
    screen.game.enter(f"{row} {column}")
    (card,) = [square for square in marked(screen) if square]
    assert card in ("[ B]", "[ R]")


def test_the_cursor_is_gone_when_the_episode_is_over():
    screen = screen_of(BattleshipEasy())
    while not screen.game.over:
        screen.game.enter("0 0")
    assert MARKED not in screen.show()
    assert words(screen, ["5", ENTER, "y"]) == ["5", "y"]


def test_lines_are_broken_between_words_and_keys_stay_with_what_they_do():
    screen = screen_of(HigherLowerEasy())
    screen.game.enter("?")
    said = screen.show(40).partition(screen.game.view())[2]
    assert max(map(len, said.split("\n"))) <= 40
    assert said.split() == screen.game.message.split()
    for together in ("h higher", "r new episode", "q quit"):
        assert together in said


def test_the_picture_is_never_broken():
    screen = screen_of(ConcentrationEasy())
    assert screen.game.view() in Screen(screen.game).show(10).replace(MARKED, "").replace(PLAIN, "")


def test_commands_interrupt_a_number_being_typed():
    screen = screen_of(MultiarmedBanditMedium())
    assert words(screen, ["1", "?"]) == ["?"]
    assert screen.text == ""


def test_keys_without_a_meaning_reach_the_game_which_says_what_is_allowed():
    screen = screen_of(RepeatPreviousEasy())
    (word,) = words(screen, ["x"])
    screen.game.enter(word)
    assert "'x' is not an action" in screen.show()
