import copy
import pickle
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Text, Tuple
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import popgym.envs
from popgym.core.actions import null_action
from popgym.wrappers import Antialias, PreviousAction, VectorAntialias, VectorPreviousAction

FLAG = Discrete(2)


class Nested(gym.Env):
    """Counts to three; observations and actions are of every kind, one in another."""

    observation_space = Dict({"count": Discrete(4), "eye": Tuple((Box(0, 9, (2,)), Discrete(9)))})
    action_space = Tuple((Discrete(3, start=1), Dict({"push": Box(-1, 1, (2,))})))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.count = 0
        return self.observe(), {}

    def step(self, action):
        self.count += 1
        return self.observe(), 1.0, self.count == 3, False, {}

    def observe(self):
        eye = (np.full(2, self.count, np.float32), self.count + 1)
        return {"count": self.count, "eye": eye}


@pytest.mark.parametrize(
    "observation_space, with_action, with_flag",
    [
        (Discrete(4), Tuple((Discrete(4), Discrete(2))), Tuple((Discrete(4), FLAG))),
        (Box(0, 1, (3,)), Tuple((Box(0, 1, (3,)), Discrete(2))), Tuple((Box(0, 1, (3,)), FLAG))),
        (
            Tuple((Discrete(3), Discrete(4))),
            Tuple((Discrete(3), Discrete(4), Discrete(2))),
            Tuple((Discrete(3), Discrete(4), FLAG)),
        ),
        (
            Dict({"a": Discrete(3)}),
            Dict({"a": Discrete(3), "prev_action": Discrete(2)}),
            Dict({"a": Discrete(3), "is_t0": FLAG}),
        ),
        (
            Dict({"obs": MultiBinary(2), "state": Discrete(3)}),
            Dict({"obs": Tuple((MultiBinary(2), Discrete(2))), "state": Discrete(3)}),
            Dict({"obs": Tuple((MultiBinary(2), FLAG)), "state": Discrete(3)}),
        ),
    ],
)
def test_the_spaces_are_those_of_popgym_1(observation_space, with_action, with_flag):
    env = gym.Env()
    env.observation_space, env.action_space = observation_space, Discrete(2)
    assert PreviousAction(env).observation_space == with_action
    assert Antialias(env).observation_space == with_flag


def test_an_episode_shows_null_action_and_flag_first_and_then_the_actions():
    env = Antialias(PreviousAction(popgym.envs.RepeatPreviousEasy(), null_action=3))
    cards = np.arange(52)
    assert env.reset(options={"hidden": {"deal_order": cards}})[0] == (0, 3, 1)
    assert env.step(np.int64(2))[0] == (1, 2, 0)
    assert env.step(0)[0] == (2, 0, 0)
    assert env.reset(options={"hidden": {"deal_order": cards}})[0] == (0, 3, 1)


def test_gymnasiums_checker_has_nothing_to_say():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*different from the unwrapped version")  # is meant
        for env in (popgym.envs.PositionOnlyCartPoleEasy(), Nested()):
            check_env(Antialias(PreviousAction(env)), skip_render_check=True)


@pytest.mark.parametrize("make", [popgym.envs.PositionOnlyCartPoleEasy, Nested])
@pytest.mark.parametrize("mode", [*AutoresetMode])
def test_wrapping_many_is_the_same_as_wrapping_each(make, mode):
    if make is Nested:
        plain = SyncVectorEnv([make] * 4, autoreset_mode=mode)
    else:
        plain = popgym.envs.find(make).vector_class(4, autoreset_mode=mode)
    ours = Antialias(PreviousAction(plain))
    each = [lambda: Antialias(PreviousAction(make()))] * 4
    theirs = SyncVectorEnv(each, autoreset_mode=mode)
    assert isinstance(ours, VectorAntialias) and isinstance(ours.env, VectorPreviousAction)
    assert ours.single_observation_space == theirs.single_observation_space
    assert ours.observation_space == theirs.observation_space
    ours.action_space.seed(0)
    seeds = [4, 5, 6, 7]
    np.testing.assert_equal(ours.reset(seed=seeds)[0], theirs.reset(seed=seeds)[0])
    over, ends = np.zeros(4, bool), 0
    for _ in range(60):
        if mode is AutoresetMode.DISABLED and over.any():
            results = [env.reset(options={"reset_mask": over.copy()})[0] for env in (ours, theirs)]
            np.testing.assert_equal(*results)
        actions = ours.action_space.sample()
        a, b = ours.step(actions), theirs.step(actions)
        np.testing.assert_equal(a[:4], b[:4])
        assert a[0] in ours.observation_space
        assert a[4].keys() == b[4].keys()
        for x, y in zip(a[4].get("final_obs", []), b[4].get("final_obs", []), strict=True):
            np.testing.assert_equal(x, y)
        over = a[2] | a[3]
        ends += over.sum()
    assert ends >= 4


def test_actions_shown_are_the_wrappers_own_copies():
    env = PreviousAction(SyncVectorEnv([Nested] * 2))
    env.reset(seed=0)
    actions = env.action_space.sample()
    shown = env.step(actions)[0]["prev_action"]
    actions[0][:] = 9
    assert (shown[0] != 9).all()
    shown[1]["push"][:] = 9
    env.step(env.action_space.sample())
    single = PreviousAction(Nested())
    single.reset()
    action = single.action_space.sample()
    shown = single.step(action)[0]["prev_action"]
    assert not np.shares_memory(shown[1]["push"], action[1]["push"])


@pytest.mark.parametrize(
    "space, expected",
    [
        (Discrete(3), 0),
        (Discrete(3, start=-2), 0),
        (Discrete(3, start=2), 2),
        (MultiDiscrete([2, 3]), [0, 0]),
        (MultiDiscrete([2, 3], start=[1, 0]), [1, 0]),
        (MultiBinary(2), [0, 0]),
        (Box(-2, 2, (1,)), [0]),
        (Box(1, 2, (2,)), [1, 1]),
        (Tuple((Discrete(2), Box(1, 2, (1,)))), (0, [1])),
        (Dict({"a": Discrete(2, start=5)}), {"a": 5}),
    ],
)
def test_the_null_action_is_zero_or_else_the_lowest(space, expected):
    action = null_action(space)
    np.testing.assert_equal(as_lists(action), expected)
    assert action in space


def as_lists(action):
    if isinstance(action, tuple):
        return tuple(as_lists(part) for part in action)
    return action.tolist() if isinstance(action, np.ndarray) else action


def test_a_null_action_outside_the_space_is_refused():
    for env in (popgym.envs.RepeatPreviousEasy(), gym.make_vec("popgym-RepeatPreviousEasy-v0", 2)):
        with pytest.raises(ValueError, match=r"null_action must be in Discrete\(4\), got 4"):
            PreviousAction(env, null_action=4)


def test_observations_that_cannot_be_extended_are_refused():
    env = gym.Env()
    env.action_space = Discrete(2)
    env.observation_space = Text(3)
    with pytest.raises(ValueError, match="cannot append to observations"):
        PreviousAction(env)
    env.observation_space = Dict({"prev_action": Discrete(2)})
    with pytest.raises(ValueError, match="already has a part 'prev_action'"):
        PreviousAction(env)
    env.action_space = Text(3)
    with pytest.raises(ValueError, match="has no null action"):
        PreviousAction(env)


def test_what_a_task_tells_of_itself_is_passed_on():
    env = Antialias(PreviousAction(popgym.envs.RepeatPreviousEasy()))
    env.reset(seed=0)
    assert env.max_episode_length == 51
    assert env.get_state() in env.state_space
    many = Antialias(PreviousAction(gym.make_vec("popgym-RepeatPreviousEasy-v0", 2)))
    many.reset(seed=0)
    assert many.max_episode_length == 51 and many.get_state() in many.state_space


def test_copies_and_snapshots_of_wrapped_environments_carry_on_identically():
    def play(env, steps):
        rng = np.random.default_rng(1)
        return [env.step(rng.integers(0, 2, 3))[:4] for _ in range(steps)]

    env = Antialias(PreviousAction(gym.make_vec("popgym-PositionOnlyCartPoleEasy-v0", 3)))
    env.reset(seed=0)
    play(env, 30)
    twins = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    snapshot = pickle.loads(pickle.dumps(env.snapshot()))
    first = play(env, 60)
    for twin in twins:
        np.testing.assert_equal(play(twin, 60), first)
    env.restore(snapshot)
    np.testing.assert_equal(play(env, 60), first)
    single = Antialias(PreviousAction(popgym.envs.RepeatPreviousEasy()))
    single.reset(seed=0)
    assert pickle.loads(pickle.dumps(single)).step(1)[0] == single.step(1)[0]


def test_wrapped_environments_can_be_made_again_from_their_specification():
    env = Antialias(PreviousAction(gym.make("popgym-RepeatPreviousEasy-v0"), null_action=2))
    again = gym.make(gym.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    assert again.reset(seed=0)[0] == env.reset(seed=0)[0]
    assert again.reset(seed=0)[0][1:] == (2, 1)


def test_showing_the_previous_action_meets_the_need_for_it():
    env = popgym.envs.RepeatPreviousEasy()
    env.obs_requires_prev_action = True
    assert Antialias(env).obs_requires_prev_action
    assert not Antialias(PreviousAction(env)).obs_requires_prev_action
    many = gym.make_vec("popgym-RepeatPreviousEasy-v0", 2)
    many.obs_requires_prev_action = True
    assert Antialias(many).obs_requires_prev_action
    assert not Antialias(PreviousAction(many)).obs_requires_prev_action


class Overwriting(gym.Env):
    """Writes into the action that it is given."""

    observation_space = Discrete(2)

    def __init__(self, space):
        self.action_space = space

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    def step(self, action):
        if isinstance(action, np.ndarray):
            action[...] = 0
        return 1, 0.0, False, False, {}


@pytest.mark.parametrize(
    "space",
    [
        Discrete(3, start=5, dtype=np.uint8),
        Discrete(3, start=-9, dtype=np.int32),
        MultiDiscrete([2, 3], np.int8, start=[7, -4]),
        Box(np.float32([-np.inf, 5]), np.float32([-5, np.inf])),
        Tuple((Discrete(3, start=5, dtype=np.uint8), Box(1, 2, (2,), np.float64))),
    ],
    ids=str,
)
def test_previous_actions_are_in_the_space_whatever_its_types_and_bounds(space):
    def one():
        return PreviousAction(Overwriting(space))

    single, each = one(), SyncVectorEnv([one] * 2)
    many = PreviousAction(SyncVectorEnv([lambda: Overwriting(space)] * 2))
    for env in (single, each, many):
        assert env.reset()[0] in env.observation_space
        env.action_space.seed(0)
        action = env.action_space.sample()
        given = copy.deepcopy(action)
        obs = env.step(action)[0]
        assert obs in env.observation_space
        np.testing.assert_equal(obs[1], given)


def test_actions_that_cannot_be_shown_are_refused_even_with_a_null_action():
    for env in (Overwriting(Text(3)), SyncVectorEnv([lambda: Overwriting(Text(3))] * 2)):
        with pytest.raises(ValueError, match="has no null action: it must be made of"):
            PreviousAction(env, null_action="a")
