"""A limit of steps: as gymnasium's TimeLimit, in every face and every autoreset mode."""

import copy
import pickle
from functools import partial

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import popgym.envs
from popgym.core.batch import Batch

NAMES = ["RepeatPreviousEasy", "PositionOnlyCartPoleEasy", "AutoencodeEasy", "BattleshipEasy"]


def many(name, count, limit, **options):
    env_id = popgym.envs.lookup(name)
    return gym.make_vec(env_id, num_envs=count, max_episode_steps=limit, **options)


def assert_equal(ours, theirs):
    assert type(ours) is type(theirs)
    np.testing.assert_equal(np.array(ours).tolist(), np.array(theirs).tolist())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", [*AutoresetMode])
@pytest.mark.parametrize("limit", [1, 7, 400])
def test_many_environments_agree_with_gymnasiums_time_limit(name, mode, limit):
    single = partial(gym.make, popgym.envs.lookup(name), max_episode_steps=limit)
    theirs = SyncVectorEnv([single] * 3, autoreset_mode=mode)
    ours = many(name, 3, limit, autoreset_mode=mode)
    seeds, over = [5, 2, 9], np.zeros(3, bool)
    assert_equal(ours.reset(seed=seeds)[0], theirs.reset(seed=seeds)[0])
    ours.action_space.seed(1)
    for step in range(120):
        if mode is AutoresetMode.DISABLED and over.any():
            a, b = (env.reset(options={"reset_mask": over.copy()}) for env in (ours, theirs))
            assert_equal(a[0], b[0])
        if step == 50:  # a reset begins the count anew
            assert_equal(ours.reset()[0], theirs.reset()[0])
        actions = ours.action_space.sample()
        a, b = ours.step(actions), theirs.step(actions)
        for x, y in zip(a[:4], b[:4], strict=True):
            assert_equal(x, y)
        assert a[4].keys() == b[4].keys()
        for key in a[4]:
            assert_equal(a[4][key], b[4][key])
        over = a[2] | a[3]


@pytest.mark.parametrize("name", NAMES)
def test_one_environment_agrees_with_gymnasiums_time_limit(name):
    theirs = gym.make(popgym.envs.lookup(name), max_episode_steps=7)
    ours = popgym.envs.find(name).env_class(max_episode_steps=7)
    assert ours.max_episode_length == 7
    ours.action_space.seed(0)
    for seed in range(3):
        assert_equal(ours.reset(seed=seed)[0], theirs.reset(seed=seed)[0])
        over = False
        while not over:
            action = ours.action_space.sample()
            a, b = ours.step(action), theirs.step(action)
            for x, y in zip(a, b, strict=True):
                assert_equal(x, y)
            over = a[2] or a[3]
        with pytest.raises(ValueError, match="its episode is over"):
            ours.step(action)


def test_an_episode_that_ends_at_the_limit_is_terminated_and_truncated():
    env = many("RepeatPreviousEasy", 2, 51)
    env.reset(seed=0)
    for _ in range(50):
        assert not any(each.any() for each in env.step(np.zeros(2, int))[2:4])
    assert all(each.all() for each in env.step(np.zeros(2, int))[2:4])


def test_snapshots_carry_the_count():
    env = many("RepeatPreviousEasy", 2, 5, autoreset_mode=AutoresetMode.SAME_STEP)
    env.reset(seed=0)
    act = np.zeros(2, int)
    for _ in range(3):
        env.step(act)
    twins = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    saved = env.unwrapped.snapshot()
    twins.append(many("RepeatPreviousEasy", 2, 5, autoreset_mode=AutoresetMode.SAME_STEP))
    twins[-1].unwrapped.restore(saved)
    for each in (env, *twins):
        assert [each.step(act)[3].all() for _ in range(4)] == [False, True, False, False]
        assert (each.unwrapped.get_state()[0] == env.unwrapped.get_state()[0]).all()
    env.unwrapped.restore(saved)
    assert [env.step(act)[3].all() for _ in range(2)] == [False, True]


def test_a_snapshot_without_a_limit_does_not_fit():
    env, free = many("RepeatPreviousEasy", 2, 5), many("RepeatPreviousEasy", 2, None)
    with pytest.raises(ValueError, match="records has other fields"):
        env.unwrapped.restore(free.unwrapped.snapshot())


@pytest.mark.parametrize("none", [None, -1])
def test_without_a_limit_nothing_is_counted(none):
    env = many("RepeatPreviousEasy", 2, none)
    assert env.unwrapped.max_episode_length == 51
    assert env.unwrapped._batch.records.dtype is env.unwrapped.family.record_type()
    assert env.unwrapped._batch._program() is Batch(env.unwrapped.family, 1)._program()


def test_the_longest_episode_is_the_shorter_of_both_lengths():
    lengths = [many("RepeatPreviousEasy", 1, n).unwrapped.max_episode_length for n in (5, 70)]
    assert lengths == [5, 51]


@pytest.mark.parametrize("bad", [0, -2, 1.5, "3", True, [3]])
def test_a_wrong_limit_is_refused_by_name(bad):
    entry = popgym.envs.find("RepeatPreviousEasy")
    for make in (
        lambda: many("RepeatPreviousEasy", 2, bad),
        lambda: entry.vector_class(2, max_episode_steps=bad),
        lambda: entry.env_class(max_episode_steps=bad),
    ):
        with pytest.raises(ValueError, match="max_episode_steps must be a whole number at least 1"):
            make()


def test_a_limit_shortens_the_memory_that_is_needed():
    needed = popgym.envs.memory_needed
    assert needed("RepeatFirstEasy", max_episode_steps=10) == 9
    assert needed("RepeatPreviousEasy", max_episode_steps=10) == 3
    assert needed("MineSweeperEasy", max_episode_steps=10) is None
