import gymnasium as gym
import pytest
from gymnasium.wrappers import TimeLimit

from popgym.runs.environment import make_one
from popgym.runs.longest_episode import longest_episode
from popgym.wrappers import PreviousAction
from tests.baselines.ppo.toys import Countdown


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("RepeatPreviousEasy", {}, 51),
        ("RepeatPreviousEasy", {"num_decks": 2}, 103),
        ("PositionOnlyCartPoleHard", {}, 600),
        ("PositionOnlyCartPoleHard", {"max_episode_length": 70}, 70),
        ("CartPole-v1", {}, 500),
        ("CartPole-v1", {"max_episode_steps": 30}, 30),
        ("CartPole-v1", {"max_episode_steps": 900}, 900),
        ("tests.baselines.ppo.toys:Countdown", {}, None),
    ],
)
def test_it_is_what_the_environment_tells(name, options, expected):
    env = make_one(name, options)
    assert longest_episode(env) == expected
    env.close()


def test_the_tightest_limit_counts_through_all_wrappers():
    assert longest_episode(TimeLimit(Countdown(), 9)) == 9
    assert longest_episode(gym.Wrapper(TimeLimit(TimeLimit(Countdown(), 9), 7))) == 7
    ours = make_one("RepeatPreviousEasy")
    assert longest_episode(PreviousAction(ours)) == 51
    assert longest_episode(PreviousAction(TimeLimit(ours, 20))) == 20
    assert longest_episode(TimeLimit(ours, 2000)) == 51


def test_a_spec_without_a_wrapper_tells_too():
    env = Countdown()
    env.spec = gym.envs.registration.EnvSpec("Count-v0", max_episode_steps=12)
    assert longest_episode(env) == 12


@pytest.mark.parametrize("told", [None, "long", 0, -1, 3.5, True])
def test_what_is_no_number_of_steps_tells_nothing(told):
    env = Countdown()
    env.max_episode_length = told
    assert longest_episode(env) is None
