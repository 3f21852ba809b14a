import gymnasium as gym
import pytest
from gymnasium.wrappers import TimeLimit

from popgym.baselines.checks import check
from popgym.baselines.network import model_config, policy_spec, with_time_unit
from popgym.runs.errors import RunError
from tests.baselines.ppo.toys import Countdown
from tests.runs.specimens import OWN, TOYS, settings


def test_a_run_takes_the_longest_episode_as_its_unit_of_time():
    assert check(settings("RepeatPreviousEasy")).network["embedding_max_steps"] == 51
    longer = settings("CartPole-v1", env_options={"max_episode_steps": 70})
    assert check(longer).network["embedding_max_steps"] == 70
    assert check(settings(f"{TOYS}:Countdown")).network["embedding_max_steps"] == 1024
    given = settings("RepeatPreviousEasy", network={"embedding_max_steps": 5})
    assert check(given).network["embedding_max_steps"] == 5


def test_an_episode_that_hardly_ends_does_not_make_a_table_that_hardly_fits():
    chosen = with_time_unit(settings("x"), TimeLimit(Countdown(), 10**9))
    assert chosen.network["embedding_max_steps"] == 10_000


@pytest.mark.parametrize("given", [{}, {"embedding_max_steps": None}, {"embedding_max_steps": 5}])
def test_rllib_and_the_policy_are_told_the_same_unit(given):
    chosen = settings("x", network=given)
    space = gym.spaces.Discrete(3)
    unit = policy_spec(chosen, space, space).network["embedding_max_steps"]
    assert (
        unit == model_config(chosen)["embedding_max_steps"] == (5 if 5 in given.values() else 1024)
    )


@pytest.mark.parametrize("memory", ["DrawnAnew", "DrawnByPython"])
def test_a_memory_that_its_weights_do_not_decide_is_refused(memory):
    with pytest.raises(
        ValueError, match=rf"'{OWN}:{memory}' computes different outputs .*register_buffer"
    ):
        check(settings(f"{TOYS}:Guess", memory=f"{OWN}:{memory}"))


@pytest.mark.parametrize("memory", ["OwnMemory", "Tied", "Transposed", "Noisy"])
def test_a_memory_that_its_weights_decide_or_noise_alone_is_taken(memory):
    check(settings(f"{TOYS}:Guess", memory=f"{OWN}:{memory}"))


def test_a_memory_that_cannot_be_saved_or_built_is_refused_before_the_run():
    with pytest.raises(ValueError, match=r"core\._extra_state is a dict and not a tensor"):
        check(settings(f"{TOYS}:Guess", memory=f"{OWN}:NoTensor"))
    with pytest.raises(RunError, match=rf"{OWN}:CannotBeBuilt cannot be built: KeyError: 'size'"):
        check(settings(f"{TOYS}:Guess", memory=f"{OWN}:CannotBeBuilt"))
