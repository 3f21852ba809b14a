import gymnasium as gym
import numpy as np
import pytest

import popgym.envs


def test_the_physics_is_gymnasiums():
    theirs = gym.make("Pendulum-v1").unwrapped
    ours = popgym.envs.PositionOnlyPendulumEasy()
    rng = np.random.default_rng(0)
    for episode in range(5):
        theirs.reset(seed=episode)
        ours.reset(options={"hidden": {"physics": theirs.state}})
        for t in range(200):
            torque = rng.uniform(-3, 3, 1).astype(np.float32)  # beyond the bounds, too: both clip
            expected = theirs.step(torque.astype(float))
            obs, reward, terminated, truncated, _ = ours.step(torque)
            np.testing.assert_allclose(obs, expected[0][:2], atol=1e-6)
            np.testing.assert_allclose(ours.get_state(), expected[0], atol=1e-6)
            assert reward == pytest.approx((1 + expected[1] / 8.1368022) / 200, abs=1e-9)
            assert (terminated, truncated) == (False, t == 199)


def test_the_start_is_uniform():
    env = popgym.envs.find("PositionOnlyPendulumEasy").vector_class(20_000)
    env.reset(seed=4)
    physics = env.snapshot()["records"]["physics"]
    for column, high in zip(physics.T, (np.pi, 1.0), strict=True):
        assert (np.abs(column) <= high).all()
        counts, _ = np.histogram(column, bins=20, range=(-high, high))
        assert ((counts - 1000) ** 2 / 1000).sum() < 43.9  # chi-square, 19 degrees: p = .001
    assert abs(np.corrcoef(physics.T)[0, 1]) < 0.03


@pytest.mark.parametrize("name", ["Easy", "Medium", "Hard"])
def test_returns_reach_both_bounds(name):
    env = popgym.envs.find(f"PositionOnlyPendulum{name}").env_class(max_episode_length=1)
    for physics, torque, expected in (([0, 0], 0, 1.0), ([-np.pi, 8], 2, -1.0)):
        env.reset(options={"hidden": {"physics": physics}})
        assert env.step([torque])[1] == pytest.approx(expected, abs=1e-7)


def test_the_speed_from_two_angles_swings_the_rod_up_and_holds_it():
    env = popgym.envs.find("PositionOnlyPendulumEasy").vector_class(500, autoreset_mode="Disabled")
    obs, _ = env.reset(seed=0)
    before = np.arctan2(*obs.T[::-1])
    returns = np.zeros(500)
    for _ in range(200):
        angle = np.arctan2(*obs.T[::-1])
        turn = ((angle - before + np.pi) % (2 * np.pi) - np.pi) / 0.05
        before = angle
        energy = turn**2 / 2 + 15 * (np.cos(angle) - 1)  # 0 for the rod at rest upright
        swing = np.where(energy < 0, np.where(turn < 0, -2, 2), 0)
        hold = -12 * angle - 3 * turn
        near = (np.abs(angle) < 0.5) & (np.abs(turn) < 3)
        obs, rewards, *_ = env.step(np.where(near, hold, swing)[:, None])
        returns += rewards
    best = 0.915  # with the state in view, by dynamic programming over torques and steps left
    assert best - 0.1 < returns.mean() < best
    assert (np.abs(angle) < 0.1).mean() > 0.95


def test_drawings_show_the_angle_and_the_speed_only_if_asked():
    env = popgym.envs.PositionOnlyPendulumEasy(render_mode="ansi")
    env.reset(options={"hidden": {"physics": [-np.pi / 2, 0.5]}})
    assert env.render().split("\n") == [
        *["", "", ""],
        "      o * * *",
        *["", "", ""],
        "-90° from upright   step 0",
    ]
    record = env.snapshot()["records"][0]
    assert env.family.draw(record, reveal=True) == env.render() + "   +29°/s"
    upright = {"hidden": {"physics": [0.0, 0.0]}}
    env.reset(options=upright)
    assert [line.strip() for line in env.render().split("\n")[:7]] == [*"***o", "", "", ""]


@pytest.mark.parametrize("physics", [[0.0, 8.1], [0.0, -9.0], [np.nan, 0.0], [np.inf, 0.0], [0.0]])
def test_a_wrong_start_is_refused(physics):
    env = popgym.envs.PositionOnlyPendulumEasy()
    with pytest.raises(ValueError, match=r"hidden\['physics'\] must be finite real numbers"):
        env.reset(options={"hidden": {"physics": physics}})


@pytest.mark.parametrize("length", [0, -1, 1.5, None])
def test_a_wrong_episode_length_is_refused(length):
    with pytest.raises(ValueError, match="max_episode_length must be a whole number at least 1"):
        popgym.envs.PositionOnlyPendulum(max_episode_length=length)
