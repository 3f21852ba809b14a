import copy
import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import popgym.envs
from popgym.core.vector import POPGymVectorEnv

NAMES = ["RepeatPreviousEasy", "PositionOnlyCartPoleEasy"]
MODES = ["NextStep", "SameStep"]


def make(num_envs=3, name="RepeatPreviousEasy", **options):
    return popgym.envs.find(name).vector_class(num_envs, **options)


def play(env, steps, seed=0):
    """What a vector environment shows under random actions; rows depend on their place alone."""
    shown, high = [], env.single_action_space.n
    for t in range(steps):
        actions = np.array(
            [np.random.default_rng([seed, t, i]).integers(high) for i in range(env.num_envs)]
        )
        shown.append(env.step(actions))
    return shown


def assert_same(a, b, rows=slice(None)):
    for step_a, step_b in zip(a, b, strict=True):
        for x, y in zip(step_a[:4], step_b[:4], strict=True):
            np.testing.assert_array_equal(x[rows], y[rows])


def test_make_vec_picks_the_native_form():
    env = gym.make_vec("popgym-RepeatPreviousEasy-v0", num_envs=5, num_decks=2, k=3)
    assert isinstance(env.unwrapped, POPGymVectorEnv)
    assert env.num_envs == 5 and env.max_episode_length == 103
    assert env.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert env.reset(seed=0)[0] in env.observation_space
    same = gym.make_vec("popgym-RepeatPreviousEasy-v0", 2, autoreset_mode=AutoresetMode.SAME_STEP)
    assert same.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", [*AutoresetMode])
def test_it_agrees_with_gymnasiums_vector_environment_of_single_ones(name, mode):
    single = popgym.envs.find(name).env_class
    theirs = SyncVectorEnv([single] * 4, autoreset_mode=mode)
    ours = make(4, name, autoreset_mode=mode)
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    seeds, rng = [3, 1, 4, 1], np.random.default_rng(9)
    np.testing.assert_array_equal(ours.reset(seed=seeds)[0], theirs.reset(seed=seeds)[0])
    over = np.zeros(4, bool)
    for _ in range(260):
        if mode is AutoresetMode.DISABLED and over.any():
            a, b = (env.reset(options={"reset_mask": over.copy()}) for env in (ours, theirs))
            np.testing.assert_array_equal(a[0], b[0])
        actions = rng.integers(0, ours.single_action_space.n, 4)
        a, b = ours.step(actions), theirs.step(actions)
        for x, y in zip(a[:4], b[:4], strict=True):
            np.testing.assert_array_equal(x, y)
            assert x.dtype == y.dtype
        assert a[4].keys() == b[4].keys()
        for key in a[4]:
            assert type(a[4][key]) is type(b[4][key])
            np.testing.assert_equal(np.array(a[4][key]).tolist(), np.array(b[4][key]).tolist())
        over = a[2] | a[3]


def test_the_last_observation_of_an_episode_is_the_single_environments():
    env = make(3, autoreset_mode="SameStep")
    decks = np.array([np.roll(np.arange(52), i) for i in range(3)])
    env.reset(options={"hidden": {"deal_order": decks}})
    for _ in range(50):
        assert env.step(np.zeros(3, int))[4] == {}
    info = env.step(np.zeros(3, int))[4]
    assert info["final_obs"].tolist() == (decks[:, -1] % 4).tolist()
    assert info["_final_obs"].all() and info["final_info"] == {}


def test_the_state_at_the_end_of_an_episode_is_kept_when_the_next_has_begun():
    same, disabled = make(3, autoreset_mode="SameStep"), make(3, autoreset_mode="Disabled")
    for env in (same, disabled):
        env.reset(seed=7)
        play(env, 51)
    for final, end, begun in zip(
        same.get_final_state(), disabled.get_state(), same.get_state(), strict=True
    ):
        np.testing.assert_array_equal(final, end)
        assert (begun != end).any()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", MODES)
def test_what_an_environment_lives_through_does_not_depend_on_the_batch(name, mode):
    small, large = make(2, name, autoreset_mode=mode), make(7, name, autoreset_mode=mode)
    np.testing.assert_array_equal(small.reset(seed=8)[0], large.reset(seed=8)[0][:2])
    assert_same(play(small, 230), [[x[:2] for x in step[:4]] for step in play(large, 230)])


@pytest.mark.parametrize("name", NAMES)
def test_the_first_environment_is_the_single_environment(name):
    env, single = make(2, name), popgym.envs.find(name).env_class()
    obs, _ = env.reset(seed=12)
    np.testing.assert_array_equal(obs[0], single.reset(seed=12)[0])
    rng = np.random.default_rng(0)
    for _ in range(100):
        actions = rng.integers(0, 2, 2)
        result, expected = env.step(actions), single.step(actions[0])
        for x, y in zip(result[:4], expected[:4], strict=True):
            np.testing.assert_array_equal(x[0], y)
        if expected[2] or expected[3]:
            obs = env.step(actions)[0]
            np.testing.assert_array_equal(obs[0], single.reset()[0])


def test_environments_of_one_batch_and_of_different_seeds_differ():
    env = make(50)
    env.reset(seed=0)
    decks = env.snapshot()["records"]["deal_order"]
    assert len(np.unique(decks, axis=0)) == 50
    env.reset(seed=1)
    assert len(np.unique([*decks, *env.snapshot()["records"]["deal_order"]], axis=0)) == 100


def test_a_seed_list_may_leave_some_streams_as_they_are():
    env, twin = make(3), make(3)
    env.reset(seed=0), twin.reset(seed=0)
    twin.reset()
    env.reset(seed=[None, 7, None])
    a, b = (e.snapshot()["records"]["deal_order"] for e in (env, twin))
    assert (a[[0, 2]] == b[[0, 2]]).all() and (a[1] != b[1]).any()


def test_unseeded_environments_differ():
    env, twin = make(3), make(3)
    env.reset(), twin.reset()
    decks = [e.snapshot()["records"]["deal_order"] for e in (env, twin)]
    assert len(np.unique(np.concatenate(decks), axis=0)) == 6


def test_a_masked_reset_leaves_the_others_alone():
    env = make(4, autoreset_mode="Disabled")
    env.reset(seed=0)
    play(env, 5)
    before = env.snapshot()
    mask = np.array([True, False, True, False])
    obs, _ = env.reset(seed=3, options={"reset_mask": mask})
    after = env.snapshot()
    np.testing.assert_array_equal(after["records"][~mask], before["records"][~mask])
    assert (after["records"]["shown"][mask] == 1).all()
    assert (obs[~mask] == before["obs"][~mask, 0]).all()
    full = make(4)
    full.reset(seed=3)  # a masked seed gives each environment the stream of its place
    np.testing.assert_array_equal(
        after["records"]["deal_order"][mask], full.snapshot()["records"]["deal_order"][mask]
    )


def test_a_hidden_draw_has_an_axis_for_the_environments_being_reset():
    env = make(3, "PositionOnlyCartPoleEasy")
    env.reset(seed=0)
    before = env.get_state()
    mask, physics = np.array([True, False, True]), np.array([[1, 0, 0, 0], [2, 0, 0.1, 0]], float)
    obs, _ = env.reset(options={"reset_mask": mask, "hidden": {"physics": physics}})
    np.testing.assert_allclose(obs[mask], physics[:, [0, 2]], rtol=1e-6)
    np.testing.assert_array_equal(env.get_state()[1], before[1])


def refused(env, function, match):
    """Checks that a mistake is refused and leaves all environments as they were."""
    before = env.snapshot()
    with pytest.raises(ValueError, match=match):
        function()
    after = env.snapshot()
    for key in before:
        np.testing.assert_array_equal(before[key], after[key])


@pytest.mark.parametrize(
    "actions, match",
    [
        ([0, 4, 0], r"environment 1 cannot be stepped: its action 4 is outside Discrete\(4\)"),
        ([0, 0, -1], "environment 2 .* -1"),
        ([0, 0], r"shape \(3,\)"),
        (0, r"shape \(3,\)"),
        ([0.0, 1.0, 2.0], "whole numbers"),
        ([0, np.nan, 0], "whole numbers"),
        ([0, None, 0], "whole numbers"),
        ([0, 2**70, 0], "whole numbers"),
        (np.array([0, 2**64 - 1, 0], np.uint64), "environment 1 cannot be stepped"),
    ],
)
@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_one_wrong_action_is_refused_and_changes_no_environment(actions, match, mode):
    env = make(3, autoreset_mode=mode)
    env.reset(seed=0)
    play(env, 4)
    refused(env, lambda: env.step(actions), match)
    play(env, 1)


def test_stepping_before_the_first_reset_is_refused():
    env = make()
    refused(env, lambda: env.step([0, 0, 0]), "environment 0 .* never reset: call reset")
    mask = np.array([True, False, False])
    refused(env, lambda: env.reset(options={"reset_mask": mask}), "first reset must reset all")


def test_stepping_after_an_end_is_refused_if_nothing_resets():
    env = make(3, "PositionOnlyCartPoleEasy", autoreset_mode="Disabled")
    env.reset(seed=0)
    physics = [[2.39, 10.0, 0, 0]]
    env.reset(
        options={"reset_mask": np.array([False, True, False]), "hidden": {"physics": physics}}
    )
    assert env.step([1, 1, 1])[2].tolist() == [False, True, False]
    refused(env, lambda: env.step([1, 1, 1]), "environment 1 .* episode is over: call reset")


@pytest.mark.parametrize(
    "arguments, match",
    [
        ({"seed": [1, 2]}, "seed must have 3 entries"),
        ({"seed": [1, 2, -3]}, "seed must be a whole number"),
        ({"seed": "abc"}, "seed must be"),
        ({"options": {"reset_mask": [1, 0, 0]}}, "bool array of shape"),
        ({"options": {"reset_mask": np.zeros(3, bool)}}, "at least one"),
        ({"options": {"reset_mask": np.ones(2, bool)}}, "bool array of shape"),
        ({"options": {"resetmask": np.ones(3, bool)}}, "did you mean 'reset_mask'"),
        ({"options": {"hidden": {"deal_order": np.arange(52)}}}, r"of shape \(3, 52\)"),
        ({"seed": 1, "options": {"hidden": {"deal_order": np.zeros((3, 52), int)}}}, "permutation"),
    ],
)
def test_a_wrong_reset_is_refused_and_changes_nothing(arguments, match):
    env = make(3)
    env.reset(seed=0)
    play(env, 3)
    refused(env, lambda: env.reset(**arguments), match)


@pytest.mark.parametrize(
    "options, match",
    [
        ({"num_envs": 0}, "num_envs must be a whole number at least 1"),
        ({"num_envs": 2.0}, "num_envs must be"),
        ({"autoreset_mode": "Never"}, r"autoreset_mode must be one of \['NextStep'"),
        ({"render_mode": "human"}, "render_mode must be"),
        ({"k": 52}, "k must be a whole number from 1 to 51"),
    ],
)
def test_a_wrong_constructor_argument_is_refused(options, match):
    with pytest.raises(ValueError, match=match):
        make(**options)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", MODES)
def test_copies_and_snapshots_carry_on_identically(name, mode):
    env = make(4, name, autoreset_mode=mode)
    env.reset(seed=5)
    play(env, 40)
    twins = [
        copy.deepcopy(env),
        pickle.loads(pickle.dumps(env)),
        make(4, name, autoreset_mode=mode),
    ]
    twins[2].restore(pickle.loads(pickle.dumps(env.snapshot())))
    snapshot = env.snapshot()
    first = play(env, 230, seed=1)
    for twin in twins:
        assert_same(play(twin, 230, seed=1), first)
    env.restore(snapshot)
    assert_same(play(env, 230, seed=1), first)


def test_a_snapshot_of_another_batch_is_refused():
    env, other = make(3), make(4)
    env.reset(seed=0), other.reset(seed=0)
    refused(env, lambda: env.restore(other.snapshot()), "not a snapshot of 3 environments")


def test_arrays_are_fresh_copies_unless_asked_otherwise():
    env = make(3, "PositionOnlyCartPoleEasy")
    results = [env.reset(seed=0)[0], *env.step([0, 1, 0])[:4], *env.step([0, 1, 0])[:4]]
    for i, a in enumerate(results):
        assert not any(np.shares_memory(a, b) for b in results[i + 1 :])
    sparing = make(3, "PositionOnlyCartPoleEasy", copy=False)
    first = sparing.reset(seed=0)[0]
    assert np.shares_memory(first, sparing.step([0, 1, 0])[0])
    np.testing.assert_array_equal(first, results[1])


def test_each_environment_is_rendered():
    env = make(2, render_mode="ansi")
    env.reset(options={"hidden": {"deal_order": [np.arange(52), np.arange(52)[::-1]]}})
    pictures = env.render()
    assert "♠" in pictures[0].split("which")[0] and "♥" in pictures[1].split("which")[0]
    assert make(2).render() is None


def test_states_lie_in_the_batched_state_space():
    for name in NAMES:
        env = make(3, name)
        env.reset(seed=0)
        play(env, 5)
        assert env.get_state() in env.state_space
