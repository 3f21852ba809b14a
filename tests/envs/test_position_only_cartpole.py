import gymnasium as gym
import numpy as np

import popgym.envs


def test_the_physics_is_gymnasiums():
    theirs = gym.make("CartPole-v1").unwrapped
    ours = popgym.envs.PositionOnlyCartPoleEasy()
    rng = np.random.default_rng(0)
    for episode in range(20):
        theirs.reset(seed=episode)
        ours.reset(options={"hidden": {"physics": theirs.state}})
        while True:
            action = int(rng.integers(2))
            expected = theirs.step(action)
            obs, _, terminated, truncated, _ = ours.step(action)
            np.testing.assert_allclose(obs, expected[0][[0, 2]], atol=1e-6)
            np.testing.assert_allclose(ours.get_state(), expected[0], atol=1e-6)
            assert terminated == expected[2] and not truncated
            if terminated:
                break


def test_the_start_is_uniform_near_rest():
    env = popgym.envs.find("PositionOnlyCartPoleEasy").vector_class(20_000)
    env.reset(seed=4)
    physics = env.snapshot()["records"]["physics"]
    assert (np.abs(physics) <= 0.05).all()
    for column in physics.T:
        counts, _ = np.histogram(column, bins=20, range=(-0.05, 0.05))
        assert ((counts - 1000) ** 2 / 1000).sum() < 43.9  # chi-square, 19 degrees: p = .001
    assert np.abs(np.corrcoef(physics.T) - np.eye(4)).max() < 0.03


def test_speeds_from_two_positions_balance_the_pole():
    env = popgym.envs.PositionOnlyCartPoleEasy()
    for seed in range(5):
        obs, _ = env.reset(seed=seed)
        previous, total, steps, truncated = obs, 0.0, 0, False
        while not truncated:
            (x, angle), (dx, turn) = obs, (obs - previous) / 0.02
            push = int(angle + 0.3 * turn + 0.02 * x + 0.05 * dx > 0)
            previous = obs
            obs, reward, terminated, truncated, _ = env.step(push)
            total, steps = total + reward, steps + 1
            assert not terminated
        assert steps == 200 and abs(total - 1) < 1e-9


def test_a_fall_at_the_last_step_is_both_an_end_and_the_limit():
    env = popgym.envs.PositionOnlyCartPole(max_episode_length=1)
    env.reset(options={"hidden": {"physics": [2.39, 10.0, 0.0, 0.0]}})
    assert env.step(1)[1:4] == (1.0, True, True)
