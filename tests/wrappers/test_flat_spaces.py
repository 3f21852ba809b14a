"""Flatten and DiscreteAction, for one environment and for many."""

import pickle
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete, Text, Tuple
from gymnasium.spaces.utils import flatten
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.vector.utils import batch_space

import popgym.envs
from popgym.wrappers import (
    Antialias,
    DiscreteAction,
    Flatten,
    PreviousAction,
    VectorDiscreteAction,
    VectorFlatten,
)
from popgym.wrappers.discrete_action import choices, combined


class Parts(gym.Env):
    """Shows the last action, in parts; ends after three steps."""

    action_space = Tuple((Discrete(3), Dict({"way": MultiDiscrete([2, 3]), "key": Discrete(2)})))
    observation_space = Dict({"seen": action_space, "count": Box(0, 9, (2,), np.float64)})

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.count = 0
        return self.observe((0, {"way": np.zeros(2, np.int64), "key": 0})), {}

    def step(self, action):
        self.count += 1
        return self.observe(action), 1.0, self.count == 3, False, {}

    def observe(self, action):
        return {"seen": action, "count": np.full(2, self.count / 3)}


class Grid(gym.Env):
    """Shows a MultiDiscrete action that counts from other numbers than zero."""

    observation_space = MultiDiscrete([3, 4, 2], start=[-1, 5, 0])
    action_space = observation_space

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.array([-1, 5, 0]), {}

    def step(self, action):
        assert action in self.action_space
        return np.array(action), 0.0, False, False, {}


def with_actions(space):
    env = gym.Env()
    env.observation_space, env.action_space = Discrete(2), space
    return env


def test_a_combined_choice_stands_for_every_combination_once_in_order():
    env = DiscreteAction(Grid())
    assert env.action_space == Discrete(24)
    env.reset()
    played = [tuple(env.step(i)[0].tolist()) for i in range(24)]
    assert played == sorted(set(played)) and len(played) == 24
    assert played[0] == (-1, 5, 0) and played[1] == (-1, 5, 1) and played[-1] == (1, 8, 1)
    many = DiscreteAction(SyncVectorEnv([Grid] * 24))
    assert isinstance(many, VectorDiscreteAction)
    assert many.single_action_space == Discrete(24) and many.action_space.shape == (24,)
    many.reset()
    assert many.step(np.arange(24))[0].tolist() == [list(square) for square in played]


@pytest.mark.parametrize("action", [-1, 24, 0.5, True])
def test_a_choice_that_stands_for_nothing_is_refused(action):
    env = DiscreteAction(Grid())
    env.reset()
    with pytest.raises(ValueError, match="whole numbers from 0 to 23"):
        env.step(action)


def test_battleship_and_minesweeper_play_alike_with_one_choice():
    for name, width in (("BattleshipEasy", 8), ("MineSweeperHard", 8)):
        plain, single = (popgym.envs.find(name).env_class() for _ in range(2))
        combined = DiscreteAction(single)
        plain.reset(seed=0), combined.reset(seed=0)
        for square in (9, 63, 0, 9):
            expected = plain.step(np.array(divmod(square, width)))
            assert combined.step(square) == expected
            if expected[2]:
                break
        assert combined.obs_requires_prev_action
        assert combined.max_episode_length == plain.max_episode_length
        for a, b in zip(combined.get_state(), plain.get_state(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_discrete_actions_stay_and_others_are_refused():
    env = DiscreteAction(popgym.envs.RepeatPreviousEasy())
    assert env.action_space == Discrete(4)
    env.reset(seed=0)
    assert env.step(3)[1] == 0.0
    for space in (Box(0, 1, (2,)), Tuple((Discrete(2),))):
        with pytest.raises(ValueError, match="must be Discrete or MultiDiscrete"):
            DiscreteAction(with_actions(space))


def test_nested_observations_and_actions_become_arrays():
    env = Flatten(Parts())
    assert env.observation_space.shape == (2 + 3 + 2 + 5,) and env.action_space.shape == (10,)
    assert env.reset()[0] in env.observation_space
    action = (2, {"way": np.array([1, 0]), "key": 1})
    obs = env.step(flatten(Parts.action_space, action))[0]
    assert obs.tolist() == [1 / 3, 1 / 3, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0]


@pytest.mark.parametrize("options", [{}, {"flatten_action": False}, {"flatten_observation": False}])
@pytest.mark.parametrize("mode", [*AutoresetMode])
def test_flattening_many_is_the_same_as_flattening_each(mode, options):
    ours = Flatten(SyncVectorEnv([Parts] * 3, autoreset_mode=mode), **options)
    each = [lambda: Flatten(Parts(), **options)] * 3
    theirs = SyncVectorEnv(each, autoreset_mode=mode)
    assert isinstance(ours, VectorFlatten)
    assert ours.single_observation_space == theirs.single_observation_space
    assert ours.action_space == theirs.action_space
    np.testing.assert_equal(ours.reset(seed=0)[0], theirs.reset(seed=0)[0])
    space = Parts.action_space
    space.seed(0)
    for t in range(8):
        elements = [space.sample() for _ in range(3)]
        actions = np.stack([flatten(space, element) for element in elements])
        if options.get("flatten_action") is False:
            first, second = zip(*elements, strict=True)
            actions = (np.array(first), {k: np.stack([e[k] for e in second]) for k in second[0]})
        a, b = ours.step(actions), theirs.step(actions)
        np.testing.assert_equal(a[:4], b[:4])
        assert a[0] in ours.observation_space and a[4].keys() == b[4].keys()
        for x, y in zip(a[4].get("final_obs", []), b[4].get("final_obs", []), strict=True):
            np.testing.assert_equal(x, y)
        if mode is AutoresetMode.DISABLED and t % 3 == 2:
            everyone = {"reset_mask": np.ones(3, bool)}
            results = [env.reset(options=everyone)[0] for env in (ours, theirs)]
            np.testing.assert_equal(*results)


def test_what_is_not_nested_is_left_alone():
    env = Flatten(popgym.envs.BattleshipEasy())
    assert env.observation_space == Discrete(2) and env.action_space == MultiDiscrete([8, 8])
    assert env.reset(seed=0)[0] == 0
    assert env.step(np.array([1, 2]))[0] in (0, 1)
    many = Flatten(gym.make_vec("popgym-BattleshipEasy-v0", 2))
    assert many.single_observation_space == Discrete(2)
    assert many.reset(seed=0)[0].tolist() == [0, 0]
    assert many.step(np.array([[1, 2], [3, 4]]))[0].shape == (2,)


def test_what_cannot_be_flattened_is_refused():
    for space in (Tuple((Discrete(2), Box(0, 1, (2,)))), Dict({"a": Discrete(2), "b": Box(0, 1)})):
        with pytest.raises(ValueError, match="mix discrete and continuous"):
            Flatten(with_actions(space))
        assert Flatten(with_actions(space), flatten_action=False).action_space == space
    env = with_actions(Discrete(2))
    env.observation_space = Tuple((Discrete(2), Text(3)))
    with pytest.raises(ValueError, match="cannot be flattened"):
        Flatten(env)


def test_a_whole_stack_of_wrappers_carries_on_after_a_snapshot():
    env = gym.make_vec("popgym-MineSweeperEasy-v0", 4)
    env = Flatten(Antialias(PreviousAction(DiscreteAction(env))))
    assert env.single_observation_space.shape == (3 + 16 + 2,)
    obs, _ = env.reset(seed=0)
    assert obs[:, -1].tolist() == [1] * 4 and env.get_state() in env.state_space
    env.step(np.arange(4))
    snapshot = pickle.loads(pickle.dumps(env.snapshot()))
    first = [env.step(np.arange(4) + i)[:4] for i in range(9)]
    env.restore(snapshot)
    np.testing.assert_equal([env.step(np.arange(4) + i)[:4] for i in range(9)], first)


def test_gymnasiums_checker_has_nothing_to_say():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*different from the unwrapped version")  # is meant
        env = Flatten(Antialias(PreviousAction(DiscreteAction(popgym.envs.BattleshipEasy()))))
        check_env(env, skip_render_check=True)


def test_wrapped_environments_can_be_made_again_from_their_specification():
    env = Flatten(PreviousAction(DiscreteAction(gym.make("popgym-BattleshipEasy-v0"))))
    again = gym.make(gym.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    np.testing.assert_array_equal(again.reset(seed=0)[0], env.reset(seed=0)[0])
    assert again.action_space == Discrete(64)


def test_flattened_actions_reach_the_environment_with_the_types_of_its_space():
    space = Tuple((Discrete(3, start=5, dtype=np.uint8), MultiDiscrete([2, 3], np.int8)))

    class Typed(gym.Env):
        observation_space, action_space = space, space

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            return (np.uint8(5), np.zeros(2, np.int8)), {}

        def step(self, action):
            assert action in space, action
            return action, 0.0, False, False, {}

    flat = flatten(space, (np.uint8(6), np.array([1, 2], np.int8)))
    many = Flatten(SyncVectorEnv([Typed] * 2))
    for env, action in ((Flatten(Typed()), flat), (many, np.stack([flat, flat]))):
        env.reset()
        obs = env.step(action)[0]
        assert obs in env.observation_space
        np.testing.assert_array_equal(obs, action)


@pytest.mark.parametrize(
    "space", [MultiDiscrete([2] * 64), MultiDiscrete([])], ids=["many", "none"]
)
def test_choices_without_a_count_are_refused(space):
    with pytest.raises(ValueError, match="combinations of choices; a Discrete space needs"):
        DiscreteAction(with_actions(space))


def test_choices_are_of_the_type_of_their_space():
    space = MultiDiscrete([200, 200], np.uint8, start=[50, 0])
    assert combined(space) == Discrete(40_000)
    assert choices(space, np.array([39_999])) in batch_space(space, 1)
