"""Wrappers by name: our own keep the vector form, others are put around each environment."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import SyncVectorEnv

from popgym.core.vector import POPGymVectorEnv
from popgym.runs.environment import make_environments, make_one
from popgym.runs.errors import BrokenEnvironmentError
from popgym.runs.evaluate import evaluate
from popgym.wrappers import Antialias, PreviousAction, VectorAntialias
from tests.runs.specimens import policy

HERE = "tests.runs.test_wrapping"
ENV = "PositionOnlyCartPoleEasy"


class Halved(gym.RewardWrapper):
    def reward(self, reward):
        return reward / 2


def tenth(env):
    return gym.wrappers.TransformReward(env, lambda reward: reward / 10)


def unchanged(env):
    return gym.Wrapper(env)


def broken(env):
    raise OSError("no such filter")


def nothing(env):
    pass


def play(wrappers, steps=150):
    """Observations, rewards and last observations of three environments."""
    environments = make_environments(ENV, 3, wrappers=wrappers)
    seen = [environments.reset(seed=[5, 6, 7])[0]]
    rng, last = np.random.default_rng(0), []
    for _ in range(steps):
        obs, rewards, *_, info = environments.step(rng.integers(0, 2, 3))
        seen += [obs, rewards]
        last += [(i, info["final_obs"][i]) for i in np.flatnonzero(info.get("_final_obs", []))]
    return environments, seen, last


def test_our_wrappers_keep_the_vector_form_and_are_the_same_around_single_environments():
    ours = ["PreviousAction", "Antialias", "Flatten"]
    native, seen, last = play(ours)
    single, expected, expected_last = play([*ours, f"{HERE}:unchanged"])
    assert isinstance(native.unwrapped, POPGymVectorEnv)
    assert isinstance(single.unwrapped, SyncVectorEnv)
    assert len(last) > 5
    np.testing.assert_equal(seen, expected)
    np.testing.assert_equal(last, expected_last)


def test_wrappers_are_applied_in_order_by_every_kind_of_name():
    env = make_one(ENV, wrappers=["PreviousAction", Antialias, f"{HERE}:Halved"])
    assert isinstance(env, Halved)
    assert isinstance(env.env, Antialias)
    assert isinstance(env.env.env, PreviousAction)


@pytest.mark.parametrize("vectorization", ["sync", "async"])
def test_other_environments_are_wrapped_each(vectorization):
    wrappers = ["Antialias", f"{HERE}:Halved", f"{HERE}:tenth"]
    many = make_environments("CartPole-v1", 2, vectorization=vectorization, wrappers=wrappers)
    obs, _ = many.reset(seed=0)
    assert obs[1].tolist() == [1, 1]
    assert many.step(np.zeros(2, np.int64))[1].tolist() == [0.05, 0.05]
    many.close()


def test_a_snapshot_holds_what_wrappers_remember():
    many = make_environments(ENV, 2, wrappers=["PreviousAction", "Antialias"])
    many.reset(seed=0)
    many.step(np.array([1, 1]))
    snapshot = many.snapshot()
    again = make_environments(ENV, 2, wrappers=["PreviousAction", "Antialias"])
    again.reset(seed=1)
    again.restore(snapshot)
    for _ in range(60):  # through ends of episodes
        one, other = (each.step(np.array([1, 0])) for each in (many, again))
        np.testing.assert_equal(one[:4], other[:4])
        assert str(one[4].get("final_obs")) == str(other[4].get("final_obs"))


def test_a_policy_is_evaluated_in_wrappers():
    env = make_one(ENV, wrappers=["PreviousAction"])
    player = policy(env.observation_space, env.action_space)
    plain = evaluate(player, ENV, wrappers=["PreviousAction"], episodes=4)
    halved = evaluate(player, ENV, wrappers=["PreviousAction", Halved], episodes=4)
    assert halved.returns.shape == plain.returns.shape
    assert halved.returns.max() < halved.lengths.max() * 0.6
    with pytest.raises(ValueError, match="the policy's observation space is Tuple"):
        evaluate(player, ENV, episodes=4)


@pytest.mark.parametrize(
    ("wrapper", "message"),
    [
        ("PreviousActoin", "unknown wrapper 'PreviousActoin'; did you mean 'PreviousAction'"),
        ("no_module:Wrapper", "cannot import module 'no_module'"),
        (":Wrapper", "cannot import module ''"),
        (f"{HERE}:Nothing", "has no such name"),
        (f"{HERE}:HERE", "has a str there"),
        (f"{HERE}:nothing", "must return an environment, got None"),
        ("Markovian", r"is called with the environment alone: .*'observability'"),
        ("gymnasium.wrappers:TimeLimit", r"environment alone: .*'max_episode_steps'"),
        (VectorAntialias, "VectorAntialias"),
    ],
    ids=str,
)
@pytest.mark.parametrize("env", [ENV, "CartPole-v1"])
def test_a_wrapper_that_does_not_fit_is_refused_by_name(env, wrapper, message):
    with pytest.raises((ValueError, BrokenEnvironmentError), match=message):
        make_environments(env, 2, wrappers=[wrapper])


def test_a_wrapper_that_refuses_the_environment_is_named():
    with pytest.raises(ValueError, match="wrapper DiscreteAction: the action space must be"):
        make_one("Pendulum-v1", wrappers=["DiscreteAction"])


def test_a_wrapper_that_fails_is_named_and_the_environment_is_closed():
    closed = []

    class Closing(gym.Env):
        def close(self):
            closed.append(True)

    with pytest.raises(BrokenEnvironmentError, match=f"wrapper {HERE}:broken failed: OSError: no"):
        make_one(lambda: Closing(), wrappers=[f"{HERE}:broken"])
    assert closed
