import copy
import json
import pickle
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Discrete
from gymnasium.utils.env_checker import check_env

import popgym.envs
from popgym.core.env import POPGymEnv
from popgym.core.observability import Observability

NAMES = ["RepeatPreviousEasy", "PositionOnlyCartPoleEasy"]


def make(name="RepeatPreviousEasy", **arguments):
    return popgym.envs.find(name).env_class(**arguments)


def play(env, steps, seed=0):
    """What an environment shows under random actions, episode after episode."""
    rng, shown = np.random.default_rng(seed), []
    for _ in range(steps):
        obs, reward, terminated, truncated, _ = env.step(int(rng.integers(env.action_space.n)))
        shown.append((np.asarray(obs).tolist(), reward, terminated, truncated))
        if terminated or truncated:
            shown.append(np.asarray(env.reset()[0]).tolist())
    return shown


@pytest.mark.parametrize("name", NAMES)
def test_gymnasiums_checker_has_nothing_to_say(name):
    env = gym.make(popgym.envs.lookup(name), render_mode="ansi")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_decides_everything_that_follows(name):
    env, twin = make(name), make(name)
    assert np.array_equal(env.reset(seed=5)[0], twin.reset(seed=5)[0])
    first = play(env, 300)
    assert first == play(twin, 300)
    env.reset(seed=5)
    assert play(env, 300) == first
    env.reset(seed=6)
    assert play(env, 300) != first


def test_a_reset_without_seed_goes_on_with_the_random_numbers():
    env, twin = make(), make()
    decks = []
    for e in (env, twin):
        e.reset(seed=5)
        e.reset()
        decks.append(e.snapshot()["records"]["deal_order"][0])
    assert decks[0].tolist() == decks[1].tolist()
    env.reset(seed=5)
    assert env.snapshot()["records"]["deal_order"][0].tolist() != decks[0].tolist()


def test_unseeded_environments_differ_and_tell_a_seed_that_repeats_them():
    env, other = make(), make()
    env.reset(), other.reset()
    first, second = (e.snapshot()["records"]["deal_order"][0].tolist() for e in (env, other))
    assert first != second
    other.reset(seed=env.np_random_seed)
    assert other.snapshot()["records"]["deal_order"][0].tolist() == first


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_a_copy_of_an_environment_carries_on_identically(name, duplicate):
    env = make(name)
    env.reset(seed=3)
    play(env, 30)
    twin = duplicate(env)
    assert play(twin, 300, seed=1) == play(env, 300, seed=1)
    assert type(twin) is type(env)


@pytest.mark.parametrize("name", NAMES)
def test_a_snapshot_brings_an_environment_back(name):
    env = make(name)
    env.reset(seed=3)
    play(env, 30)
    snapshot = env.snapshot()
    first = play(env, 300)
    env.restore(snapshot)
    assert play(env, 300) == first
    twin = make(name)
    twin.restore(pickle.loads(pickle.dumps(snapshot)))
    assert play(twin, 300) == first


@pytest.mark.parametrize("name", NAMES)
def test_a_given_draw_decides_the_episode_whatever_the_seed(name):
    env, twin = make(name), make(name)
    env.reset(seed=1)
    hidden = {key: env.snapshot()["records"][key][0] for key in env.family.hidden}
    state = env.get_state()
    twin.reset(seed=2, options={"hidden": hidden})
    np.testing.assert_equal(twin.get_state(), state)
    assert play(env, 19)[:5] == play(twin, 19)[:5]


def refused(env, function, match):
    """Checks that a mistake is refused and leaves the environment as it was."""
    before = env.snapshot()
    with pytest.raises(ValueError, match=match):
        function()
    after = env.snapshot()
    for key in before:
        np.testing.assert_array_equal(before[key], after[key])


@pytest.mark.parametrize(
    "action", [4, -1, 2**63, 1.0, np.nan, None, "2", [1], np.float32(1), np.array([1]), {}]
)
def test_a_wrong_action_is_refused_and_changes_nothing(action):
    env = make()
    env.reset(seed=0)
    env.step(1)
    refused(env, lambda: env.step(action), match=r"Discrete\(4\)|shape \(\)")
    env.step(1)


def test_stepping_before_the_first_reset_is_refused():
    env = make()
    refused(env, lambda: env.step(0), match="never reset: call reset")


def test_stepping_after_the_end_is_refused():
    env = make()
    env.reset(seed=0)
    for _ in range(env.max_episode_length):
        *_, terminated, truncated, _ = env.step(0)
    assert terminated and not truncated
    refused(env, lambda: env.step(0), match=r"episode is over: call reset\(\)")
    env.reset()
    env.step(0)


@pytest.mark.parametrize(
    "arguments, match",
    [
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"seed": 1.5}, "seed must be"),
        ({"seed": "1"}, "seed must be"),
        ({"options": []}, "options must be a dict"),
        ({"options": {"hiden": {}}}, "did you mean 'hidden'"),
        ({"options": {"reset_mask": np.array([True])}}, "unknown key in options"),
        ({"options": {"hidden": {}}}, "deal_order"),
        ({"options": {"hidden": {"deal_order": np.zeros(52, int)}}}, "permutation"),
        ({"options": {"hidden": {"deal_order": np.arange(51)}}, "seed": 3}, r"shape \(52,\)"),
        ({"options": {"hidden": {"cards": np.arange(52)}}}, "unknown key in hidden"),
    ],
)
def test_a_wrong_reset_is_refused_and_changes_nothing(arguments, match):
    env = make()
    env.reset(seed=0)
    env.step(1)
    generator = env.np_random
    refused(env, lambda: env.reset(**arguments), match=match)
    assert env.np_random is generator


@pytest.mark.parametrize(
    "physics", [[2.5, 0, 0, 0], [0, 0, 0.3, 0], [0, np.nan, 0, 0], [0, 0, 0], [0, 1e39, 0, 0]]
)
def test_physics_in_which_the_episode_would_be_over_is_refused(physics):
    env = make("PositionOnlyCartPoleEasy")
    env.reset(seed=0)
    options = {"hidden": {"physics": physics}}
    refused(env, lambda: env.reset(options=options), match="finite real numbers")


def test_a_snapshot_of_something_else_is_refused():
    env, other = make(), make("RepeatPreviousMedium")
    env.reset(seed=0), other.reset(seed=0)
    for snapshot in (other.snapshot(), {}, {**env.snapshot(), "obs": np.zeros((2, 1), np.int64)}):
        refused(env, lambda s=snapshot: env.restore(s), match="not a snapshot")


def test_rendering_shows_text_and_needs_its_mode():
    env = make(render_mode="ansi")
    env.reset(options={"hidden": {"deal_order": np.arange(52)}})
    assert "card 1 of 52: ♠" in env.render()
    env.step(0)
    assert "card 2 of 52: ♦" in env.render()
    with pytest.warns(UserWarning, match="render_mode"):
        assert make().render() is None


def test_the_cart_moves_in_the_picture():
    env = make("PositionOnlyCartPoleEasy", render_mode="ansi")
    env.reset(options={"hidden": {"physics": [-1.2, 0, 0.1, 0]}})
    pole, track, numbers = env.render().split("\n")
    assert track.index("#") == 11 and pole.index("/") == 11
    assert "cart -1.20 m" in numbers and "+5.7°" in numbers


def test_the_specification_can_be_written_as_json():
    env = gym.make("popgym-RepeatPreviousEasy-v0", num_decks=2, k=3)
    again = gym.make(gym.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    assert again.unwrapped.max_episode_length == 103
    assert json.loads(env.spec.to_json())["vector_entry_point"].startswith("popgym.envs.")


def test_returned_observations_are_the_callers_to_keep():
    env = make("PositionOnlyCartPoleEasy")
    first, _ = env.reset(seed=0)
    kept = first.copy()
    second = env.step(1)[0]
    assert (first == kept).all() and not np.shares_memory(first, second)
    second[:] = 9
    assert (env.snapshot()["obs"] != 9).all()


class Guess(POPGymEnv):
    """An environment without a family, as one wrote them for POPGym 1."""

    observation_space, action_space, state_space = Discrete(1), Discrete(2), Discrete(2)

    def __init__(self, start=0):
        super().__init__()
        self.start = start

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.secret = int(self.np_random.integers(2))
        return 0, {}

    def step(self, action):
        return 0, float(action == self.secret), True, False, {}

    def get_state(self):
        return self.secret


def test_a_subclass_without_a_family_is_an_environment_of_its_own():
    env, twin = Guess(), Guess()
    secrets = [env.reset(seed=seed) and env.get_state() for seed in range(20)]
    assert secrets == [twin.reset(seed=seed) and twin.get_state() for seed in range(20)]
    assert set(secrets) == {0, 1}
    assert env.step(secrets[-1])[1] == 1.0
    assert not env.obs_requires_prev_action and env.observability_level is Observability.PARTIAL
    check_env(env, skip_render_check=True)
    env.close()


def test_an_environment_needs_a_family_or_rules_of_its_own():
    with pytest.raises(TypeError, match="POPGymEnv needs a Family, or a subclass"):
        POPGymEnv()
