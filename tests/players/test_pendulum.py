"""The pendulum: the players' physics, their plan beside a naive one, and what they earn."""

import math

import numpy as np
import pytest

import popgym.envs
from popgym.players import play_episodes, players_of
from popgym.players.pendulum import PendulumFilter, PendulumMemoryless, PendulumOracle
from popgym.players.pendulum_plan import (
    ANGLES,
    HORIZON,
    PLANNED,
    TURNS,
    advance,
    best_torque,
    corners,
    plan,
    reward,
)


def returns_of(player, name, episodes=64, seed=1):
    return play_episodes(popgym.envs.find(name).task(), player, episodes, seed)


def test_the_physics_and_the_reward_are_the_environments():
    env = popgym.envs.find("PositionOnlyPendulumEasy").vector_class(400)
    rng = np.random.default_rng(0)
    physics = rng.uniform([-9, -8], [9, 8], (400, 2))
    env.reset(options={"hidden": {"physics": physics}})
    torque = rng.uniform(-2, 2, (400, 1)).astype(np.float32)
    rewards = env.step(torque)[1]
    angle, turn = advance(*physics.T, torque[:, 0].astype(float))
    expected = np.stack([np.cos(angle), np.sin(angle), turn], axis=1)
    np.testing.assert_allclose(env.get_state(), expected, atol=1e-5)
    earned = reward(*physics.T, torque[:, 0].astype(float)) / 200
    np.testing.assert_allclose(rewards, earned, atol=1e-12)


def between(values, angle, turn):
    """Values [angles, turns] at a state, bilinearly, by plain arithmetic."""
    a, t = (angle / (2 * math.pi) + 0.5) * ANGLES, (turn + 8) / 16 * (TURNS - 1)
    i, j = math.floor(a), min(math.floor(t), TURNS - 2)
    near, far = values[i % ANGLES], values[(i + 1) % ANGLES]
    low = near[j] * (1 - t + j) + near[j + 1] * (t - j)
    high = far[j] * (1 - t + j) + far[j + 1] * (t - j)
    return low * (1 - a + i) + high * (a - i)


@pytest.mark.parametrize("k", [1, 2, 40, HORIZON])
def test_values_with_k_steps_to_go_follow_from_those_with_one_less(k):
    after, values = (plan()[n].reshape(ANGLES, TURNS) for n in (k - 1, k))
    rng = np.random.default_rng(k)
    for _ in range(50):
        i, j = rng.integers(ANGLES), rng.integers(TURNS)
        angle, turn = (i / ANGLES - 0.5) * 2 * math.pi, (j * 2 / (TURNS - 1) - 1) * 8
        best = -math.inf
        for torque in np.linspace(-2, 2, PLANNED):
            new_turn = min(max(turn + 0.05 * (15 * math.sin(angle) + 3 * torque), -8), 8)
            off = (angle + math.pi) % (2 * math.pi) - math.pi
            earned = 1 - (off**2 + 0.1 * turn**2 + 0.001 * torque**2) / 8.1368022
            best = max(best, earned + between(after, angle + 0.05 * new_turn, new_turn))
        assert values[i, j] == pytest.approx(best, abs=2e-4)


def test_values_between_the_grid_weigh_its_corners():
    angle, turn = np.array([-4.0, 0.013, math.pi, 2.9]), np.array([-8.0, 0.04, 8.0, 7.97])
    points, weights = corners(angle, turn)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    values = plan()[9].reshape(ANGLES, TURNS)
    expected = [between(values, *state) for state in zip(angle, turn, strict=True)]
    np.testing.assert_allclose((plan()[9][points] * weights).sum(axis=1), expected, atol=1e-3)


def test_torque_at_the_top_is_against_the_fall_and_none_in_the_last_step():
    angle, turn = np.array([[0.1], [-0.1], [0.1], [0.0]]), np.zeros((4, 1))
    torque = best_torque(angle, turn, np.array([50, 50, 1, 50]))
    assert torque[0] < -0.5 and torque[1] > 0.5 and torque[2] == 0 and abs(torque[3]) < 0.3


@pytest.mark.parametrize("level, least", [("Easy", 0.89), ("Medium", 0.86), ("Hard", 0.79)])
def test_positions_are_as_good_as_the_state(level, least):
    name = f"PositionOnlyPendulum{level}"
    oracle, filtered = (returns_of(p, name) for p in (PendulumOracle, PendulumFilter))
    assert oracle.mean() > least
    assert abs(oracle.mean() - filtered.mean()) < 0.002
    assert returns_of(PendulumMemoryless, name).mean() < oracle.mean() - 0.3


def test_without_noise_the_state_is_known_from_the_second_step_on():
    env = popgym.envs.find("PositionOnlyPendulumEasy").vector_class(50, autoreset_mode="SameStep")
    player = PendulumFilter(env.family, 50)
    obs, start = env.reset(seed=2)[0], np.ones(50, bool)
    for step in range(30):
        actions = player.act(obs, start)
        cos, sin, turn = env.get_state().T
        if step > 0:
            np.testing.assert_allclose(np.cos(player.angle), cos, atol=1e-3)
            np.testing.assert_allclose(np.sin(player.angle), sin, atol=1e-3)
            np.testing.assert_allclose(player.turn, turn, atol=1e-2)
        obs, start = env.step(actions)[0], np.zeros(50, bool)


@pytest.mark.parametrize("level, least", [("Easy", 0.87), ("Medium", 0.69), ("Hard", 0.62)])
def test_in_noise_it_earns_far_more_than_without_memory(level, least):
    name = f"NoisyPositionOnlyPendulum{level}"
    scripted = returns_of(PendulumFilter, name).mean()
    assert scripted > least
    assert scripted > returns_of(PendulumMemoryless, name).mean() + 0.2
    assert scripted < returns_of(players_of(name)["oracle"], name).mean()
