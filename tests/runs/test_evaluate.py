import itertools
import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from gymnasium import spaces

from popgym.envs import PositionOnlyCartPoleEasy
from popgym.runs import patience
from popgym.runs.errors import BrokenEnvironmentError
from popgym.runs.evaluate import Evaluation, evaluate
from popgym.runs.folder import RunFolder
from popgym.runs.seeds import Stream, reset_seed
from tests.baselines.ppo.toys import Countdown, Guess
from tests.runs.specimens import Endless, policy, settings

TOYS, OWN = "tests.baselines.ppo.toys", "tests.runs.specimens"
STREAM = Stream.STANDALONE_ENVIRONMENTS


def agent(env):
    return policy(env.observation_space, env.action_space)


@pytest.mark.parametrize("episodes", [1, 3, 10, 100])
def test_exactly_the_episodes_asked_for_are_played(episodes):
    result = evaluate(agent(Countdown), f"{TOYS}:Countdown", episodes=episodes)
    assert len(result.returns) == len(result.lengths) == episodes


def test_every_environment_plays_whole_episodes():
    result = evaluate(agent(Countdown), f"{TOYS}:Countdown", episodes=10, num_envs=4)
    assert result.lengths.tolist() == [4] * 10
    assert result.returns.tolist() == [4.0] * 10
    assert result.mean == 4.0
    assert result.deviation == 0.0
    assert result.interval() == (4.0, 4.0)


def test_the_returns_are_those_of_the_policy_step_by_step():
    guesser = agent(Guess)
    result = evaluate(guesser, f"{TOYS}:Guess", episodes=40, num_envs=1, seed=3)
    env, expected = Guess(), []
    seeds = reset_seed(SimpleNamespace(unwrapped=env, num_envs=1), 3, STREAM)
    obs, _ = env.reset(seed=seeds[0])
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


def test_short_episodes_are_not_favoured():
    """The environments take turns between episodes of 1 step and of 9, all from 1 on."""
    result = evaluate(agent(Countdown), f"{OWN}:Uneven", episodes=6, num_envs=3)
    assert sorted(result.lengths.tolist()) == [1, 1, 1, 9, 9, 9]
    result = evaluate(agent(Countdown), f"{OWN}:Uneven", episodes=4, num_envs=3)
    assert sorted(result.lengths.tolist()) == [1, 1, 1, 9]


@pytest.mark.parametrize(
    ("name", "env"),
    [(f"{OWN}:Endless", Endless), ("PositionOnlyCartPoleEasy", PositionOnlyCartPoleEasy)],
)
def test_long_episodes_are_cut_and_counted(name, env):
    task = env()
    result = evaluate(agent(task), name, episodes=7, num_envs=3, max_steps=5)
    assert result.lengths.tolist() == [5] * 7
    assert result.cut == 7
    assert str(result).endswith("mean length 5.0, 7 of the episodes cut at 5 steps")


def test_an_episode_that_ends_in_time_is_not_cut():
    result = evaluate(agent(Countdown), f"{TOYS}:Countdown", episodes=6, max_steps=4)
    assert (result.cut, set(result.lengths)) == (0, {4})
    result = evaluate(agent(Countdown), f"{OWN}:Uneven", episodes=6, num_envs=3, max_steps=7)
    assert (result.cut, sorted(result.lengths)) == (3, [1, 1, 1, 7, 7, 7])
    assert sorted(result.returns) == [1, 1, 1, 7, 7, 7]


def test_what_is_cut_begins_anew_and_nothing_else_does():
    lengths = evaluate(agent(Countdown), f"{OWN}:Uneven", episodes=9, num_envs=2, max_steps=3)
    assert sorted(lengths.lengths) == [1] * 5 + [3] * 4


def test_the_memory_forgets_an_episode_that_was_cut():
    player, env = agent(Guess), f"{OWN}:GuessOn"
    one = evaluate(player, env, episodes=8, num_envs=1, max_steps=4, seed=3)
    env, expected = Guess(), []
    seeds = reset_seed(SimpleNamespace(unwrapped=env, num_envs=1), 3, STREAM)
    obs, _ = env.reset(seed=seeds[0])
    for _ in range(8):
        state, total = None, 0.0
        for _ in range(4):
            action, state = player.act(obs, state)
            total += env.step(action)[1]
        expected.append(total)
        obs, _ = env.reset()
    assert one.returns.tolist() == expected


class StopError(Exception):
    pass


@pytest.fixture
def stopped(monkeypatch):
    """Plays steps of an endless environment; returns Python's blocks of memory at each."""

    def _stopped(steps):
        player, sizes, step = agent(Endless), np.zeros(steps, int), itertools.count()

        def check(obs):
            t = next(step)
            if t == steps:
                raise StopError
            sizes[t] = sys.getallocatedblocks()

        monkeypatch.setattr(player, "check", check)
        with pytest.raises(BrokenEnvironmentError, match="StopError"):
            evaluate(player, f"{OWN}:Endless", episodes=5, num_envs=4)
        return sizes

    return _stopped


def test_an_evaluation_that_does_not_end_says_so(stopped, monkeypatch):
    monkeypatch.setattr(patience, "SECONDS", 0.0)
    with pytest.warns(UserWarning) as warned:
        stopped(2)
    assert str(warned[0].message) == (
        "0 of 5 episodes are done after 4 steps; if the others may never end, cut them with "
        "max_steps (--max-steps N)"
    )
    assert warned[0].filename == __file__


def test_an_evaluation_that_does_not_end_takes_no_more_and_more_memory(stopped):
    blocks = stopped(1600)  # of which Python fills its free lists in the first few hundred
    assert blocks[-1] - blocks[800] < 400  # an object kept in each step would take 800


def test_options_reach_the_environment():
    player = policy(spaces.Discrete(4), spaces.Discrete(4))
    result = evaluate(player, "RepeatPreviousEasy", env_options={"num_decks": 2}, episodes=2)
    assert set(result.lengths.tolist()) == {103}


def test_the_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(150):
        returns = rng.normal(2.0, 1.5, 40)
        low, high = Evaluation(returns, np.ones(40)).interval(0.9, seed)
        covered += low <= 2.0 <= high
    assert 0.84 < covered / 150 < 0.94


def test_the_interval_is_the_bootstraps():
    returns = np.random.default_rng(1).exponential(1.0, 25)
    rng = np.random.default_rng(2)
    means = [rng.choice(returns, 25).mean() for _ in range(20_000)]
    expected = np.quantile(means, [0.025, 0.975])
    got = Evaluation(returns, np.ones(25)).interval()
    np.testing.assert_allclose(got, expected, atol=0.02)


def test_the_summary_has_mean_deviation_and_interval():
    text = str(Evaluation(np.array([0.0, 1.0]), np.array([3, 4])))
    assert text == (
        "mean return 0.500 (standard deviation 0.707 over 2 episodes, 95 % interval of the mean "
        "[0.000, 1.000]), mean length 3.5"
    )


def test_one_episode_has_no_deviation_and_no_interval():
    one = Evaluation(np.array([2.0]), np.array([3]))
    assert math.isnan(one.deviation)
    assert np.isnan(one.interval()).all()
    assert str(one) == (
        "mean return 2.000 (1 episode: no standard deviation and no interval), mean length 3.0"
    )


@pytest.mark.parametrize("name", ["episodes", "num_envs", "max_steps"])
@pytest.mark.parametrize("value", [0, 2.5, "3"])
def test_numbers_that_are_no_whole_numbers_from_1_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a whole number (at least|from) 1.*, got"):
        evaluate(agent(Countdown), f"{TOYS}:Countdown", **{name: value})


def test_what_is_no_policy_is_refused():
    with pytest.raises(
        TypeError, match="policy must be a policy or the path of a run folder, got 3"
    ):
        evaluate(3, f"{TOYS}:Countdown")


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


@pytest.fixture
def run(tmp_path):
    """The folder of a run on RepeatPreviousEasy, with a policy."""
    folder = RunFolder.create(settings(env_options={"k": 2}), tmp_path / "run")
    folder.save_policy(policy(spaces.Discrete(4), spaces.Discrete(4)))
    return folder


def same(one, other):
    return one.returns.tolist() == other.returns.tolist()


def test_a_run_folder_stands_for_its_policy_environment_and_options(run):
    player = run.policy()
    for folder in (run.path, str(run.path)):
        by_hand = evaluate(player, "RepeatPreviousEasy", env_options={"k": 2}, episodes=3)
        assert same(evaluate(folder, episodes=3), by_hand)
    other = evaluate(player, "RepeatPreviousEasy", episodes=3)
    assert not same(other, by_hand)


def test_options_given_are_added_to_the_runs_where_the_environment_is_its_own(run):
    for env in (None, "RepeatPreviousEasy", "popgym-RepeatPreviousEasy-v0"):
        result = evaluate(run.path, env, env_options={"num_decks": 2}, episodes=3)
        options = {"k": 2, "num_decks": 2}
        by_hand = evaluate(run.policy(), "RepeatPreviousEasy", env_options=options, episodes=3)
        assert same(result, by_hand)


def test_a_run_plays_another_environment_without_the_options_of_its_own(run):
    result = evaluate(run.path, "RepeatFirstEasy", episodes=3)
    assert same(result, evaluate(run.policy(), "RepeatFirstEasy", episodes=3))


def test_a_policy_alone_needs_an_environment(run):
    with pytest.raises(ValueError, match="name an environment"):
        evaluate(run.policy())
