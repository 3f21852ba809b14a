import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiDiscrete

import popgym.envs
from popgym.envs import ENTRIES
from popgym.play.controls import COMMANDS, Choices, Numbers, Squares, controls_of

EASY = [name for name, entry in ENTRIES.items() if entry.level == "Easy"]


def controls(name, **arguments):
    return controls_of(getattr(popgym.envs, name)(**arguments).family)


@pytest.mark.parametrize("name", EASY)
def test_every_environment_can_be_played_and_its_keys_are_legal_actions(name):
    task = getattr(popgym.envs, name)().family
    ours = controls_of(task)
    assert all(task.action_space.contains(action) for action in ours.keys.values())
    assert not set(ours.keys) & set(COMMANDS)
    assert ours.allowed()
    assert ours.describe(task.action_space.sample()).isascii()


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("RepeatPreviousEasy", {"s": 0, "d": 1, "c": 2, "h": 3, "2": 2}),
        ("HigherLowerEasy", {"h": 0, "l": 1}),
        ("PositionOnlyCartPoleEasy", {"←": 0, "→": 1, "a": 0, "d": 1}),
        ("LabyrinthEscapeEasy", {"←": 0, "→": 1, "↑": 2, "↓": 3, "w": 2, "s": 3}),
        ("PositionOnlyPendulumEasy", {"←": -2, "↓": 0, "→": 2}),
    ],
)
def test_keys_follow_from_the_names_of_actions(name, keys):
    ours = controls(name)
    assert {key: ours.read(key) for key in keys} == keys


def test_an_action_may_be_typed_by_its_name():
    assert controls("RepeatPreviousEasy").read(" hearts \n") == 3


def test_numbers_of_many_actions_are_typed_and_none_is_a_single_key():
    ours = controls("MultiarmedBanditMedium")
    assert ours.keys == {}
    assert ours.read("19") == 19


def test_a_square_is_typed_as_row_and_column():
    assert controls("BattleshipEasy").read("3 7").tolist() == [3, 7]
    assert controls("BattleshipEasy").read("3,7").tolist() == [3, 7]


def test_a_numbered_square_is_typed_as_its_number_or_as_row_and_column():
    ours = controls("ConcentrationEasy")
    assert ours.read("27") == 27
    assert ours.read("2 1") == 27
    assert ours.describe(27) == "row 2 column 1"


def test_a_real_number_is_typed():
    assert controls("PositionOnlyPendulumEasy").read("-0.5").tolist() == [-0.5]


@pytest.mark.parametrize(
    ("name", "word", "allowed"),
    [
        ("RepeatPreviousEasy", "4", "0 spades, 1 diamonds, 2 clubs, 3 hearts"),
        ("RepeatPreviousEasy", "", "0 spades"),
        ("RepeatPreviousEasy", "1 2", "0 spades"),
        ("MultiarmedBanditMedium", "20", "a number from 0 to 19"),
        ("MultiarmedBanditMedium", "-1", "a number from 0 to 19"),
        ("MultiarmedBanditMedium", "9" * 30, "a number from 0 to 19"),
        ("BattleshipEasy", "8 0", "a row from 0 to 7 and a column from 0 to 7, as in 1 2"),
        ("BattleshipEasy", "0 8", "a row from 0 to 7"),
        ("BattleshipEasy", "0 -1", "a row from 0 to 7"),
        ("BattleshipEasy", "3", "a row from 0 to 7"),
        ("BattleshipEasy", "1 2 3", "a row from 0 to 7"),
        ("ConcentrationEasy", "52", "or a number from 0 to 51"),
        ("ConcentrationEasy", "0 13", "a column from 0 to 12"),
        ("PositionOnlyPendulumEasy", "2.1", "a number from -2 to 2"),
        ("PositionOnlyPendulumEasy", "nan", "a number from -2 to 2"),
        ("PositionOnlyPendulumEasy", "left", "a number from -2 to 2"),
    ],
)
def test_a_wrong_word_is_refused_by_what_is_allowed(name, word, allowed):
    with pytest.raises(ValueError, match="is not an action: type ") as caught:
        controls(name).read(word)
    assert allowed in str(caught.value)
    assert str(caught.value).startswith(repr(word))


def test_numbers_count_from_where_the_space_starts():
    ours = Choices(Discrete(3, start=5))
    assert ours.keys == {"5": 5, "6": 6, "7": 7}
    assert ours.allowed() == "a number from 5 to 7"


def test_several_numbers_are_typed_one_after_the_other():
    whole = Numbers(MultiDiscrete([2, 5, 9]))
    assert whole.read("1 4 8").tolist() == [1, 4, 8]
    assert whole.allowed() == "3 numbers, from 0 to 1, from 0 to 4, from 0 to 8"
    real = Numbers(Box(-1, 1, (2,)))
    np.testing.assert_array_equal(real.read("0.25 -1"), np.float32([0.25, -1]))
    assert real.allowed() == "2 numbers, each from -1 to 1"


def test_names_without_distinct_letters_give_no_keys():
    assert set(Choices(Discrete(2), ("raise", "fold")).keys) == {"0", "1"}  # r is a command
    assert set(Choices(Discrete(2), ("call", "check")).keys) == {"0", "1"}


def test_the_help_names_keys_together_with_what_they_do():
    assert controls("HigherLowerEasy").help() == "h higher   l lower"
    assert controls("PositionOnlyCartPoleEasy").help() == "← a left   → d right"
    assert controls("PositionOnlyPendulumEasy").help() == (
        "← -2.00 clockwise   ↓ +0.00 no torque   → +2.00 anticlockwise"
    )
    assert "cursor" in controls("BattleshipEasy").help()
    assert isinstance(controls("BattleshipEasy"), Squares)
