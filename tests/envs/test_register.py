"""A family of one's own takes its place beside popgym's."""

import sys

import gymnasium as gym
import pytest

import popgym.envs
from popgym.core import Family, POPGymEnv, POPGymVectorEnv
from popgym.envs.registry import ENTRIES, FAMILIES
from popgym.players import players_of
from tests.testing.env_specimens import Lawful


class GuessFamily(Lawful):
    """Guess."""

    versions = {"v1": {"length": 3}}  # noqa: RUF012


@pytest.fixture
def classes():
    before = dict(ENTRIES)
    yield popgym.envs.register(GuessFamily)
    for name in ENTRIES.keys() - before.keys():
        for env_id in ENTRIES.pop(name).ids:
            gym.registry.pop(env_id)


def test_each_preset_and_version_gets_a_class_and_an_id(classes):
    assert [each.__name__ for each in classes] == ["Guess", "GuessEasy", "GuessHard"]
    assert all(issubclass(level, classes[0]) for level in classes[1:])
    assert issubclass(popgym.envs.GuessHardV1, popgym.envs.GuessV1)
    assert issubclass(popgym.envs.GuessV1, classes[0]) and classes[1](length=4).length == 4
    assert classes[2] is popgym.envs.GuessHard is sys.modules[__name__].GuessHard
    env = gym.make("popgym-GuessHard-v0")
    assert isinstance(env, POPGymEnv) and env.max_episode_length == 9
    assert gym.make("popgym-GuessHard-v1").max_episode_length == 3
    assert popgym.envs.find("GuessHardV1").id == "popgym-GuessHard-v1"
    many = gym.make_vec("popgym-GuessEasy-v0", 5, length=4)
    assert isinstance(many.unwrapped, POPGymVectorEnv) and many.unwrapped.max_episode_length == 4


def test_the_published_groups_and_the_table_stay_as_they_are(classes):
    assert len(popgym.envs.ALL) == len(popgym.envs.table()) == 3 * len(FAMILIES)
    assert not set(classes) & popgym.envs.DIAGNOSTIC_EASY.keys()


def test_of_its_players_only_the_random_one_is_known(classes):
    assert list(players_of("GuessEasy")) == ["random"]
    assert not popgym.envs.reference_scores("GuessEasy")


def test_a_family_registered_again_takes_its_own_place(classes, recwarn):
    class GuessFamily(Lawful):
        """Guess again."""

    GuessFamily.__module__ = __name__
    again = popgym.envs.register(GuessFamily)
    assert popgym.envs.find("Guess").family is GuessFamily
    assert type(gym.make("popgym-GuessEasy-v0")) is again[1] is not classes[1]
    assert issubclass(again[1], again[0]) and not issubclass(again[1], classes[0])
    assert not any("Overriding" in str(warning.message) for warning in recwarn.list)


def test_what_is_no_family_or_has_another_name_is_refused():
    with pytest.raises(TypeError, match=r"a subclass of popgym\.core\.Family, got"):
        popgym.envs.register(POPGymEnv)
    with pytest.raises(ValueError, match="a family's name must end in Family, got 'Lawful'"):
        popgym.envs.register(Lawful)


def test_another_familys_name_is_not_taken():
    class RepeatFirstFamily(Family):
        """An impostor."""

    before = popgym.envs.RepeatFirst
    with pytest.raises(ValueError, match=r"already an environment RepeatFirst, in popgym\.envs"):
        popgym.envs.register(RepeatFirstFamily)
    assert popgym.envs.RepeatFirst is before
