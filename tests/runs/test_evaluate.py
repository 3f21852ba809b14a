from types import SimpleNamespace

import numpy as np
import pytest
from gymnasium import spaces

from popgym.runs.errors import BrokenEnvironmentError
from popgym.runs.evaluate import Evaluation, evaluate
from popgym.runs.seeds import Stream, reset_seed
from tests.baselines.ppo.toys import Countdown, Guess
from tests.runs.specimens import policy

TOYS = "tests.baselines.ppo.toys"


def agent(env):
    return policy(env.observation_space, env.action_space)


def test_every_environment_plays_equally_many_whole_episodes():
    result = evaluate(agent(Countdown), f"{TOYS}:Countdown", episodes=10, num_envs=4)
    assert result.lengths.tolist() == [4] * 12
    assert result.returns.tolist() == [4.0] * 12
    assert result.mean == 4.0
    assert result.deviation == 0.0
    assert result.interval() == (4.0, 4.0)


def test_the_returns_are_those_of_the_policy_step_by_step():
    guesser = agent(Guess)
    result = evaluate(guesser, f"{TOYS}:Guess", episodes=40, num_envs=1, seed=3)
    env, expected = Guess(), []
    one = SimpleNamespace(unwrapped=env, num_envs=1)
    obs, _ = env.reset(seed=reset_seed(one, 3, Stream.STANDALONE_ENVIRONMENTS)[0])
    for _ in range(40):
        action, _ = guesser.act(obs)
        expected.append(env.step(action)[1])
        obs, _ = env.reset()
    assert result.returns.tolist() == expected
    assert 0 < result.mean < 1


def test_the_same_seed_gives_the_same_episodes_and_another_seed_others():
    def returns(seed, **how):
        return evaluate(agent(Guess), f"{TOYS}:Guess", episodes=64, seed=seed, **how).returns

    np.testing.assert_array_equal(returns(1), returns(1))
    assert (returns(1) != returns(2)).any()
    assert (returns(1) != returns(1, deterministic=False)).any()


def test_options_reach_the_environment():
    player = policy(spaces.Discrete(4), spaces.Discrete(4))
    result = evaluate(player, "RepeatPreviousEasy", env_options={"num_decks": 2}, episodes=2)
    assert set(result.lengths.tolist()) == {103}


def test_the_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(300):
        returns = rng.normal(2.0, 1.5, 40)
        low, high = Evaluation(returns, np.ones(40)).interval(0.9, seed)
        covered += low <= 2.0 <= high
    assert 0.84 < covered / 300 < 0.94


def test_the_interval_is_the_bootstraps():
    returns = np.random.default_rng(1).exponential(1.0, 25)
    rng = np.random.default_rng(2)
    means = [rng.choice(returns, 25).mean() for _ in range(20_000)]
    expected = np.quantile(means, [0.025, 0.975])
    got = Evaluation(returns, np.ones(25)).interval()
    np.testing.assert_allclose(got, expected, atol=0.02)


def test_the_summary_has_mean_deviation_and_interval():
    text = str(Evaluation(np.array([0.0, 1.0]), np.array([3, 4])))
    assert text.startswith("return 0.500 ± 0.707 over 2 episodes, 95 % interval")
    assert "[0.000, 1.000]" in text
    assert text.endswith("mean length 3.5")


def test_one_episode_has_no_deviation():
    assert Evaluation(np.array([2.0]), np.array([3])).deviation == 0.0


def test_fewer_than_one_episode_is_refused():
    with pytest.raises(ValueError, match="episodes must be at least 1, got 0"):
        evaluate(agent(Countdown), f"{TOYS}:Countdown", episodes=0)


def test_an_environment_with_other_spaces_is_refused_with_both():
    with pytest.raises(ValueError, match=r"observation space is Discrete\(3\), the environment's"):
        evaluate(agent(Guess), f"{TOYS}:Countdown")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Raising", "failed in play: RuntimeError: the motor is on fire"),
        ("NotANumber", "observation has the value nan"),
        ("Outside", "observation has the value 11"),
    ],
)
def test_an_environment_that_fails_is_named(name, message):
    with pytest.raises(BrokenEnvironmentError, match=rf"environment {TOYS}:{name} .*{message}"):
        evaluate(agent(Countdown), f"{TOYS}:{name}", episodes=2)
