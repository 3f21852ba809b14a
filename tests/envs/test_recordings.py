from pathlib import Path

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, Tuple

import popgym.envs

FILES = sorted((Path(__file__).parents[1] / "data").glob("*.npz"))
TOLERANCE = 1e-5  # of physics; everything else must agree exactly


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def recording(request):
    return request.param.stem, dict(np.load(request.param))


def test_every_environment_is_recorded():
    names = {row["name"] for row in popgym.envs.table()}
    assert names == {file.stem for file in FILES}


def hidden_of(data, episodes):
    return {k.removeprefix("hidden_"): v[episodes] for k, v in data.items() if k[:7] == "hidden_"}


def numbers(space, value, batched):
    """An observation or state as a row (or rows) of plain numbers."""
    if isinstance(space, Tuple):
        parts = [numbers(s, v, batched) for s, v in zip(space.spaces, value, strict=True)]
        return np.concatenate(parts, axis=-1)
    array = np.asarray(value, np.float64)
    return array.reshape(len(array), -1) if batched else array.reshape(-1)


def as_action(space, numbers):
    if isinstance(space, Discrete):
        return int(numbers[0])
    return numbers.astype(space.dtype)


def tolerance(name):
    return TOLERANCE if "CartPole" in name or "Pendulum" in name else 0.0


def reward_tolerance(name):
    """The recorded pendulum computes with torques in single precision."""
    return 1e-8 if "Pendulum" in name else 1e-12


def noiseless(name):
    """The recordings were made without noise."""
    return {"noise_sigma": 0} if name.startswith("Noisy") else {}


def test_a_single_environment_replays_the_recording(recording):
    name, data = recording
    env = popgym.envs.find(name).env_class(**noiseless(name))
    space, states, close = (
        env.observation_space,
        env.state_space,
        {"rtol": 0, "atol": tolerance(name)},
    )
    for e, length in enumerate(data["lengths"]):
        obs, _ = env.reset(options={"hidden": hidden_of(data, e)})
        np.testing.assert_allclose(numbers(space, obs, False), data["observations"][e, 0], **close)
        np.testing.assert_allclose(
            numbers(states, env.get_state(), False), data["states"][e, 0], **close
        )
        for t in range(length):
            obs, *results, info = env.step(as_action(env.action_space, data["actions"][e, t]))
            expected = [data[key][e, t] for key in ("rewards", "terminated", "truncated")]
            assert results[1:] == expected[1:] and info == {}
            assert results[0] == pytest.approx(expected[0], abs=reward_tolerance(name))
            np.testing.assert_allclose(
                numbers(space, obs, False), data["observations"][e, t + 1], **close
            )
            np.testing.assert_allclose(
                numbers(states, env.get_state(), False), data["states"][e, t + 1], **close
            )
        assert results[1] or results[2]


def test_a_vector_environment_replays_all_episodes_of_the_recording_at_once(recording):
    name, data = recording
    episodes = len(data["lengths"])
    made = popgym.envs.find(name).vector_class
    env = made(episodes, autoreset_mode="Disabled", **noiseless(name))
    space, close = env.single_observation_space, {"rtol": 0, "atol": tolerance(name)}
    states = env.family.state_space
    everyone = slice(None)
    obs, _ = env.reset(options={"hidden": hidden_of(data, everyone)})
    np.testing.assert_allclose(numbers(space, obs, True), data["observations"][:, 0], **close)
    for t in range(data["lengths"].max()):
        over = t >= data["lengths"]
        if over.any():  # begin again what is over, so that the others can go on
            env.reset(options={"reset_mask": over, "hidden": hidden_of(data, over)})
        actions = data["actions"][:, t].astype(env.single_action_space.dtype)
        actions = actions[:, 0] if isinstance(env.single_action_space, Discrete) else actions
        obs, *results, _ = env.step(actions)
        for result, key in zip(results, ("rewards", "terminated", "truncated"), strict=True):
            np.testing.assert_allclose(
                result[~over], data[key][~over, t], rtol=0, atol=reward_tolerance(name)
            )
        np.testing.assert_allclose(
            numbers(space, obs, True)[~over], data["observations"][~over, t + 1], **close
        )
        np.testing.assert_allclose(
            numbers(states, env.get_state(), True)[~over], data["states"][~over, t + 1], **close
        )


def test_the_spaces_hold_what_was_recorded(recording):
    name, data = recording
    env = popgym.envs.find(name).env_class()
    assert data["lengths"].max() <= env.max_episode_length
    assert (
        data["observations"].shape[2]
        == numbers(env.observation_space, env.observation_space.sample(), False).size
    )
    if isinstance(env.observation_space, Box):
        rows = data["observations"].reshape(-1, data["observations"].shape[2])
        assert all(row.astype(np.float32) in env.observation_space for row in rows)
