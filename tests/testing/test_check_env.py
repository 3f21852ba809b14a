"""The checker itself: lawful environments pass, and each law has a specimen that breaks it."""

import random

import numpy as np
import pytest

import popgym.envs
from popgym.testing import ENV_LAWS, LawBroken, check_env
from popgym.wrappers import Flatten, Markovian, PreviousAction
from tests.testing import env_specimens as specimens
from tests.testing.env_specimens import Lawful, LawfulEnv, Plain

NAMES = [row["name"] for row in popgym.envs.table() if row["name"].endswith("Easy")]

SPECIMENS = [
    ("it_has_gymnasiums_interface", "ReturnsFour"),
    ("it_has_gymnasiums_interface", "FlagsAreNumbers"),
    ("observations_lie_in_their_space", "ObservesBeyondItsSpace"),
    ("observations_lie_in_their_space", "ObservesAnotherType"),
    ("observations_lie_in_their_space", "ObservesAnotherShape"),
    ("rewards_are_finite", "PaysInfinitely"),
    ("the_global_random_numbers_are_left_alone", "DrawsGlobally"),
    ("the_global_random_numbers_are_left_alone", "SeedsGlobally"),
    ("a_seed_decides_everything", "IgnoresItsSeed"),
    ("an_episode_forgets_those_before", "CountsItsEpisodes"),
    ("a_reset_without_a_seed_goes_on", "RepeatsItself"),
    ("episodes_end_in_time", "LastsTooLong"),
    ("episodes_end_in_time", "NeverEnds"),
    ("what_was_returned_stays", "LendsItsArray"),
    ("states_lie_in_their_space", "StateIsBeyondItsSpace"),
    ("info_tells_nothing", "LeaksTheRewardInInfo"),
    ("the_declaration_is_complete", "IsNotDescribed"),
    ("the_declaration_is_complete", "HidesNoField"),
    ("the_declaration_is_complete", "PresetIsRefused"),
    ("the_declaration_is_complete", "ForgetsItsBounds"),
    ("returns_lie_in_their_bounds", "PaysMoreThanItSays"),
    ("actions_outside_are_refused", "ClipsActions"),
    ("actions_outside_are_refused", "FailsOnActions"),
    ("steps_outside_an_episode_are_refused", "StepsAfterTheEnd"),
    ("the_parameters_stay", "WritesIntoItsParameters"),
    ("a_snapshot_brings_back_the_future", "CountsOutsideTheRecord"),
    ("copies_carry_on", "CannotBePickled"),
    ("copies_carry_on", "IsCopiedHalf"),
    ("neighbours_change_nothing", "StateIsRelative"),
    ("the_place_changes_nothing", "ManyPayByPlace"),
    ("one_lives_as_among_many", "PaysOneMore"),
    ("autoreset_modes_agree", "ManyShowTheNextAsTheLast"),
    ("threads_change_nothing", "ManyLoseAThread"),
    ("compiled_rules_play_as_plain_ones", "RoundsAsItIsRun"),
    ("a_hidden_draw_can_be_given", "DrawsInReset"),
    ("wrong_hidden_draws_are_refused", "AcceptsAnyDraw"),
    ("texts_hide_and_reveal", "DrawsTheSecret"),
    ("texts_hide_and_reveal", "RevealsNothing"),
    ("texts_hide_and_reveal", "CannotBeDrawn"),
    ("pictures_hide_and_reveal", "PaintsTheSecret"),
    ("pictures_hide_and_reveal", "CannotBePainted"),
]

# these break several laws, of which the first is the one that tells what to mend
BREAK_SEVERAL = [
    "ReturnsFour",
    "ObservesAnotherShape",
    "DrawsGlobally",
    "IgnoresItsSeed",
    "HidesNoField",
    "ForgetsItsBounds",
    "WritesIntoItsParameters",
    "CountsOutsideTheRecord",
    "DrawsInReset",
    "StateIsRelative",
    "ManyPayByPlace",
]


def broken_laws(make):
    broken = {}
    for name, law in ENV_LAWS.items():
        try:
            law(make)
        except LawBroken as error:
            broken[name] = error
    return broken


@pytest.mark.parametrize("name", NAMES)
def test_popgyms_own_environments_are_lawful(name):
    check_env(popgym.envs.find(name).env_class)


@pytest.mark.parametrize("make", [Lawful, LawfulEnv, Plain])
def test_the_lawful_specimens_pass(make, uncompiled):
    check_env(make)


@pytest.mark.parametrize(
    "make",
    [
        Lawful(length=4),
        "popgym-RepeatPreviousEasy-v0",
        "RepeatPreviousEasy",
        "CartPole-v1",
        lambda: popgym.envs.RepeatPrevious(k=2),
        lambda: Flatten(PreviousAction(popgym.envs.PositionOnlyCartPoleEasy())),
        lambda: Markovian(popgym.envs.RepeatPreviousEasy(), 3),
    ],
)
def test_families_ids_and_functions_may_be_given(make):
    check_env(make)


@pytest.mark.parametrize("law, name", SPECIMENS)
def test_a_specimen_breaks_its_law_first_and_mostly_no_other(law, name, request):
    if law != "compiled_rules_play_as_plain_ones":
        request.getfixturevalue("uncompiled")
    broken = broken_laws(getattr(specimens, name))
    assert next(iter(broken)) == broken[law].law == law, broken
    assert str(broken[law]).startswith(f"{law}: ")
    assert len(broken) == 1 or name in BREAK_SEVERAL, broken


def test_every_law_has_a_specimen():
    assert {law for law, _ in SPECIMENS} == set(ENV_LAWS)


@pytest.mark.parametrize(
    "name, message",
    [
        ("ObservesBeyondItsSpace", r"observation 1 is not in MultiDiscrete\(\[5 3\]\)"),
        ("ObservesAnotherType", "the type is int32, not int64"),
        ("NeverEnds", "continues after 6 steps, its maximum length"),
        ("LeaksTheRewardInInfo", "info must be empty, got {'secret'"),
        ("PaysMoreThanItSays", r"outside return_bounds \(0.0, 0.1\)"),
        ("StepsAfterTheEnd", "a step after the end must raise a ValueError, and was accepted"),
        ("WritesIntoItsParameters", r"write into the parameters \['prize'\]"),
        ("PaysOneMore", "reward 2 is 0.1666.*, not 0.15"),
        ("DrawsTheSecret", r"'step 0 offset \d' and 'step 0 offset \d'"),
        ("CannotBeDrawn", "raised IndexError: string index out of range"),
    ],
)
def test_the_message_says_what_was_seen(name, message, uncompiled):
    with pytest.raises(LawBroken, match=message):
        check_env(getattr(specimens, name))


@pytest.mark.parametrize(
    "make, error, message",
    [
        ("RepeatPreviousEsy", ValueError, "did you mean 'RepeatPreviousEasy'"),
        (7, TypeError, "make must be a Family, a gymnasium id"),
        (lambda: 7, TypeError, r"make\(\) must return a gymnasium.Env, got a int"),
    ],
)
def test_what_makes_no_environment_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        check_env(make)


def test_checking_leaves_the_callers_random_numbers_alone(uncompiled):
    random.seed(5)
    np.random.seed(5)
    expected = random.random(), np.random.random()
    random.seed(5)
    np.random.seed(5)
    check_env(Lawful)
    assert (random.random(), np.random.random()) == expected
