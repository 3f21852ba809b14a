"""Families of other kinds than those registered: boards, several numbers, noise, torques."""

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete, Tuple

from popgym.core import Family, POPGymEnv, POPGymVectorEnv, Rules, rule
from popgym.core.hidden import Numbers
from popgym.core.random import integer, normal_pair


@rule
def hide(s, p):
    """A treasure on one square."""
    s.board[:] = 0
    s.board[integer(s, 3), integer(s, 3)] = 1


@rule
def count_from_zero(s, p):
    """No step played."""
    s.steps = s.found = 0


@rule
def dig(s, p, square):
    """Looks under a square."""
    s.found = s.board[square[0], square[1]]
    s.steps += 1
    return p.worth[square[0]] * s.found, s.found == 1, s.steps == p.limit


@rule
def tell(s, p, obs):
    """Whether it was there, and the time."""
    obs[0] = s.found
    obs[1] = s.steps


class Treasure(Family):
    """Dig for a treasure on a board."""

    rules = Rules(hide, count_from_zero, dig, tell)
    presets = {"Easy": {}}  # noqa: RUF012
    group = "GAME"

    def __init__(self):
        self.observation_space = Tuple((Discrete(2), Discrete(6)))
        self.action_space = MultiDiscrete([3, 3])
        self.state_space = Tuple((MultiBinary((3, 3)), Tuple((Discrete(6),))))
        self.max_episode_length = 5
        self.return_bounds = (0.0, 3.0)
        self.params = {"worth": np.array([1.0, 2.0, 3.0]), "limit": 5}
        self.fields = {"board": (np.int8, (3, 3)), "steps": np.int32, "found": np.int8}
        zeros, ones = (((n,) * 3,) * 3 for n in (0, 1))
        self.hidden = {"board": Numbers(zeros, ones, whole=True)}

    def check_hidden(self, hidden):
        if (hidden["board"].sum(axis=(1, 2)) != 1).any():
            raise ValueError("hidden['board'] must have one treasure")

    def state(self, records):
        return records["board"].copy(), (records["steps"].astype(np.int64),)

    def draw(self, record):
        return str(record["steps"])


@rule
def nothing(s, p):
    """Draws nothing."""
    s.sum = 0.0


@rule
def begin(s, p):
    """No step played."""
    s.steps = 0


@rule
def pull(s, p, torque):
    """Adds up the torques, within limits."""
    s.sum += min(max(torque[0], -1.0), 1.0)
    s.steps += 1
    return s.sum, False, s.steps >= 10


@rule
def see_through_noise(s, p, obs):
    """The sum, twice, with noise."""
    a, b = normal_pair(s)
    obs[0], obs[1] = s.sum + a, s.sum + b


class Pull(Family):
    """Pull at something seen through noise."""

    rules = Rules(nothing, begin, pull, see_through_noise)
    presets = {"Easy": {}}  # noqa: RUF012
    group = "NOISY"
    clips_actions = True

    def __init__(self):
        self.observation_space = Box(-np.inf, np.inf, (2,))
        self.action_space = Box(-1.0, 1.0, (1,))
        self.state_space = Box(-np.inf, np.inf, (1,))
        self.max_episode_length = 10
        self.return_bounds = (-55.0, 55.0)
        self.params = {"unused": 0}
        self.fields = {"sum": np.float64, "steps": np.int32}
        self.hidden = {"sum": Numbers(0.0, 1.0)}

    def state(self, records):
        return records["sum"].astype(np.float32)[:, None]

    def draw(self, record):
        return str(record["sum"])


BOARD = np.array([[0, 0, 0], [0, 0, 1], [0, 0, 0]])


def test_a_board_game_plays_alone_and_in_a_batch():
    env, many = POPGymEnv(Treasure()), POPGymVectorEnv(Treasure(), 2, "SameStep")
    assert env.reset(options={"hidden": {"board": BOARD}})[0] == (0, 0)
    boards = np.stack([BOARD, BOARD.T])
    obs, _ = many.reset(options={"hidden": {"board": boards}})
    assert [part.tolist() for part in obs] == [[0, 0], [0, 0]] and obs in many.observation_space
    assert env.step([0, 0])[:4] == ((0, 1), 0.0, False, False)
    assert env.step(np.array([1, 2]))[:4] == ((1, 2), 2.0, True, False)
    obs, rewards, terminated, _, info = many.step([[1, 2], [0, 0]])
    assert rewards.tolist() == [2.0, 0.0] and terminated.tolist() == [True, False]
    assert [part.tolist() for part in obs] == [[0, 0], [0, 1]]
    assert info["final_obs"].tolist() == [(1, 1), None]
    assert env.get_state() in env.state_space and many.get_state() in many.state_space


@pytest.mark.parametrize(
    "action, match", [([0, 3], r"action \[0 3\] is outside MultiDiscrete"), ([-1, 0], "outside")]
)
def test_a_square_beside_the_board_is_refused(action, match):
    env = POPGymEnv(Treasure())
    env.reset(seed=0)
    with pytest.raises(ValueError, match=match):
        env.step(action)
    assert env.get_state()[1] == (0,)


def test_draws_that_do_not_fit_together_are_refused():
    env, many = POPGymEnv(Treasure()), POPGymVectorEnv(Treasure(), 2)
    many.reset(seed=0)
    before = many.get_state()
    with pytest.raises(ValueError, match="one treasure"):
        env.reset(options={"hidden": {"board": np.zeros((3, 3), int)}})
    with pytest.raises(ValueError, match="one treasure"):
        many.reset(options={"hidden": {"board": np.stack([BOARD, 1 - BOARD])}})
    np.testing.assert_equal(many.get_state(), before)


def test_rules_that_clip_take_torques_beyond_the_space_but_no_infinite_ones():
    env = POPGymEnv(Pull())
    env.reset(seed=0, options={"hidden": {"sum": 0.5}})
    assert env.step(np.array([7.0]))[1] == 1.5
    assert env.step(np.array([-0.5], np.float32))[1] == 1.0
    for torque in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match="is outside Box"):
            env.step(np.array([torque]))
    assert env.step([0])[1] == 1.0


def test_noise_is_drawn_from_the_environments_own_stream():
    small, large = POPGymVectorEnv(Pull(), 2, "SameStep"), POPGymVectorEnv(Pull(), 5, "NextStep")
    obs = [env.reset(seed=1)[0] for env in (small, large)]
    np.testing.assert_array_equal(obs[0], obs[1][:2])
    for t in range(10):
        a, b = small.step(np.zeros((2, 1))), large.step(np.zeros((5, 1)))
        last = np.stack(list(a[4]["final_obs"])) if t == 9 else a[0]
        np.testing.assert_array_equal(last, b[0][:2])
    assert a[3].all() and not a[2].any()
    np.testing.assert_array_equal(a[0], large.step(np.zeros((5, 1)))[0][:2])


def test_a_family_describes_itself_by_its_first_line():
    assert Treasure.description() == "Dig for a treasure on a board."
    assert Treasure().memory_needed() is None


def test_equal_tasks_share_the_types_of_their_records():
    assert Treasure().record_type() is Treasure().record_type()
    assert Treasure().params_record().dtype is Treasure().params_record().dtype
    assert Treasure().record_type() is not Pull().record_type()
