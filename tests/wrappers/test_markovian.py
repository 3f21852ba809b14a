import pickle
import warnings
from functools import partial

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, Tuple
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit

import popgym.envs
from popgym.core.env import POPGymEnv
from popgym.core.observability import Observability
from popgym.wrappers import Antialias, Flatten, Markovian, PreviousAction, VectorMarkovian
from popgym.wrappers.base import POPGymWrapper

NAMES = [row["name"] for row in popgym.envs.table() if row["name"].endswith("Easy")]
LEVELS = [*Observability]
FULL_IN_INFO_DICT, FULL, FULL_AND_PARTIAL = LEVELS[1:]


def single(name="RepeatPreviousEasy", **options):
    return popgym.envs.find(name).env_class(**options)


def many(num_envs=4, name="RepeatPreviousEasy", **options):
    return popgym.envs.find(name).vector_class(num_envs, **options)


def test_the_levels_have_the_published_numbers():
    assert [(level.name, level.value) for level in Observability] == [
        ("PARTIAL", 0), ("FULL_IN_INFO_DICT", 1), ("FULL", 2), ("FULL_AND_PARTIAL", 3)
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", LEVELS)
def test_what_is_shown_is_the_observation_and_the_state_of_the_unwrapped(name, level):
    plain, env = single(name), Markovian(single(name), level)
    env.action_space.seed(0)
    expected, result = plain.reset(seed=1), env.reset(seed=1)
    for _ in range(5):
        shown, *outcome, info = result
        state = plain.get_state()
        wanted = {
            Observability.PARTIAL: expected[0],
            FULL_IN_INFO_DICT: expected[0],
            FULL: state,
            FULL_AND_PARTIAL: {"obs": expected[0], "state": state},
        }[level]
        np.testing.assert_equal(shown, wanted)
        assert shown in env.observation_space
        np.testing.assert_equal(info, {"state": state} if level is FULL_IN_INFO_DICT else {})
        np.testing.assert_equal(outcome, expected[1:-1])
        if outcome[1:2] == [True]:
            break
        action = env.action_space.sample()
        expected, result = plain.step(action), env.step(action)
    assert env.observability_level is env.observability is level


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("mode", [*AutoresetMode])
@pytest.mark.parametrize("name", ["PositionOnlyCartPoleEasy", "RepeatPreviousEasy"])
def test_wrapping_many_is_the_same_as_wrapping_each(name, level, mode):
    ours = Markovian(many(4, name, autoreset_mode=mode), level)
    each = [lambda: Markovian(single(name), level)] * 4
    theirs = SyncVectorEnv(each, autoreset_mode=mode)
    assert isinstance(ours, VectorMarkovian)
    assert ours.single_observation_space == theirs.single_observation_space
    assert ours.observation_space == theirs.observation_space
    ours.action_space.seed(0)
    results = [env.reset(seed=[4, 5, 6, 7]) for env in (ours, theirs)]
    over, ends = np.zeros(4, bool), 0
    for _ in range(60):
        if mode is AutoresetMode.DISABLED and over.any():
            results = [env.reset(options={"reset_mask": over.copy()}) for env in (ours, theirs)]
        np.testing.assert_equal(results[0][0], results[1][0])
        assert results[0][0] in ours.observation_space
        actions = ours.action_space.sample()
        results = [env.step(actions) for env in (ours, theirs)]
        np.testing.assert_equal(results[0][:4], results[1][:4])
        assert_same_info(results[0][4], results[1][4], nested=name == "RepeatPreviousEasy")
        over = results[0][2] | results[0][3]
        ends += over.sum()
    assert ends >= 4


def assert_same_info(ours, theirs, nested):
    assert ours.keys() == theirs.keys()
    for key in ours:
        if key == "final_info":
            assert_same_info(ours[key], theirs[key], nested)
        elif key == "final_obs":
            for a, b in zip(ours[key], theirs[key], strict=True):
                np.testing.assert_equal(a, b)
        elif key == "state" and nested:  # gymnasium makes an array of objects of tuples
            for i in np.flatnonzero(theirs["_state"]):
                np.testing.assert_equal(tuple(part[i] for part in ours[key]), theirs[key][i])
        else:
            np.testing.assert_equal(ours[key], theirs[key])


def test_the_last_state_of_an_episode_is_shown_where_the_next_has_begun():
    env, plain = Markovian(many(2, autoreset_mode="SameStep"), FULL), single()
    env.reset(seed=3)
    plain.reset(seed=3)
    for _ in range(51):
        shown, *_, info = env.step(np.zeros(2, int))
        plain.step(0)
    np.testing.assert_equal(info["final_obs"][0], plain.get_state())
    assert info["final_obs"][1] in env.single_observation_space
    assert (shown[1].sum(axis=1) > 0.97).all()  # nearly all cards are yet to come


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("make", [single, many])
def test_it_goes_with_the_other_wrappers_in_any_order(make, level):
    markovian = partial(Markovian, observability=level)
    orders = [
        (PreviousAction, Antialias, markovian, Flatten),
        (PreviousAction, markovian, Antialias, Flatten),
        (markovian, PreviousAction, Antialias, Flatten),
        (markovian, Flatten),
        (partial(Flatten, flatten_action=False), markovian),
        (partial(TimeLimit, max_episode_steps=9), markovian) if make is single else (markovian,),
    ]
    for order in orders:
        options = {"autoreset_mode": "SameStep"} if make is many else {}
        env = make(**options)
        for wrapper in order:
            env = wrapper(env)
        assert env.observability_level is level
        assert env.reset(seed=2)[0] in env.observation_space
        env.action_space.seed(2)
        for _ in range(9 if make is single else 51):
            observation, *_, info = env.step(env.action_space.sample())
            assert observation in env.observation_space
            assert ("state" in info) == (level is FULL_IN_INFO_DICT)
        if make is many:
            assert all(final in env.single_observation_space for final in info["final_obs"])


def test_appended_values_stand_beside_the_partial_observation():
    inside = Markovian(PreviousAction(single()), FULL_AND_PARTIAL)
    outside = PreviousAction(Markovian(single(), FULL_AND_PARTIAL))
    assert inside.observation_space == outside.observation_space
    assert inside.observation_space["obs"] == Tuple((Discrete(4), Discrete(4)))
    np.testing.assert_equal(inside.reset(seed=0), outside.reset(seed=0))
    np.testing.assert_equal(inside.step(3), outside.step(3))


def test_gymnasiums_checker_has_nothing_to_say():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*different from the unwrapped version")  # is meant
        for level in LEVELS:
            check_env(Markovian(single(), level), skip_render_check=True)


def test_it_can_be_made_again_from_its_specification_and_copied():
    env = Markovian(gym.make("popgym-RepeatPreviousEasy-v0"), FULL)
    again = gym.make(gym.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    np.testing.assert_equal(again.reset(seed=0), env.reset(seed=0))
    assert again.observability_level is FULL
    np.testing.assert_equal(pickle.loads(pickle.dumps(env)).step(1), env.step(1))


def test_snapshots_go_through_the_vector_form():
    env = Markovian(many(3), FULL)
    env.reset(seed=0)
    snapshot = env.snapshot()
    first = env.step(np.ones(3, int))
    env.restore(snapshot)
    np.testing.assert_equal(env.step(np.ones(3, int)), first)


@pytest.mark.parametrize("level", [4, -1, None, "FULL"])
def test_a_level_that_there_is_not_is_refused(level):
    for make in (single, many):
        with pytest.raises(ValueError, match=r"PARTIAL \(0\), .* got"):
            Markovian(make(), level)


def test_a_level_may_be_given_by_its_number():
    assert Markovian(single(), 2).observability is FULL


def test_environments_without_a_hidden_state_are_refused():
    with pytest.raises(ValueError, match="lacks state_space, get_state"):
        Markovian(gym.make("CartPole-v1"), FULL)
    with pytest.raises(ValueError, match="wrap each environment before vectorising them"):
        Markovian(SyncVectorEnv([single] * 2), FULL)


class Doubt(POPGymEnv):
    """An environment of POPGym 1: a subclass of its own."""

    observation_space, action_space = Discrete(1), Discrete(2)
    state_space = Dict({"secret": Discrete(2), "where": Box(0, 1, (2,))})

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.secret = int(self.np_random.integers(2))
        return 0, {"steps": 0}

    def step(self, action):
        return 0, float(action == self.secret), True, False, {"steps": 1}

    def get_state(self):
        return {"secret": self.secret, "where": np.zeros(2, np.float32)}


def test_environments_of_ones_own_show_their_state():
    env = Markovian(Doubt(), FULL_AND_PARTIAL)
    observation, info = env.reset(seed=0)
    assert observation in env.observation_space and info == {"steps": 0}
    assert env.step(observation["state"]["secret"])[1] == 1.0
    told = Markovian(Doubt(), FULL_IN_INFO_DICT).reset(seed=0)[1]
    assert told["steps"] == 0 and told["state"] in env.state_space


def test_a_wrapper_of_ones_own_may_change_the_state():
    class Coarse(POPGymWrapper):
        def __init__(self, env):
            super().__init__(env)
            self.state_space = Discrete(2)

        def get_state(self):
            return int(self.env.get_state()[1].sum() > 0.5)

    env = Markovian(Coarse(single()), FULL)
    assert env.observation_space == Discrete(2) and env.reset(seed=0)[0] == 1
    assert single().state_space == Coarse(single()).env.state_space
