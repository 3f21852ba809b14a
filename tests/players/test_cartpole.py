"""Cart and pole: the players' physics, their equations, and how long they balance."""

import numpy as np
import pytest

import popgym.envs
from popgym.players import make_player, play_episodes, players_of
from popgym.players.cartpole import (
    CartPoleKalman,
    LeanMemoryless,
    SpeedMemoryless,
    advance,
    gains,
    linear_physics,
    regulator,
    riccati,
)

LEVELS = ["Easy", "Medium", "Hard"]
WITHOUT_NOISE = [
    f"{name}{level}{version}"
    for name, versions in (("PositionOnlyCartPole", [""]), ("VelocityOnlyCartPole", ["", "V1"]))
    for level in LEVELS
    for version in versions
]


def test_the_physics_is_the_environments():
    env = popgym.envs.find("PositionOnlyCartPoleEasy").vector_class(500)
    rng = np.random.default_rng(0)
    physics = rng.uniform([-2.3, -3, -0.2, -3], [2.3, 3, 0.2, 3], (500, 4))
    env.reset(options={"hidden": {"physics": physics}})
    push = rng.integers(0, 2, 500)
    env.step(push)
    np.testing.assert_allclose(advance(physics, push), env.get_state(), rtol=1e-6, atol=1e-6)


def test_the_linear_physics_is_the_slope_of_the_full_one():
    a, b = linear_physics()
    small = 1e-5 * np.eye(4)
    pushes = [advance(x, np.array([p] * 4)) for x in (small, -small) for p in (0, 1)]
    slope = (pushes[0] + pushes[1] - pushes[2] - pushes[3]) / 4e-5  # the pushes cancel
    np.testing.assert_allclose(a, slope.T, atol=1e-8)
    right, left = (advance(np.zeros((1, 4)), np.array([p]))[0] for p in (1, 0))
    np.testing.assert_allclose(b[:, 0], (right - left) / 20, atol=1e-8)


@pytest.mark.parametrize("place, effort", [(1e-2, 1e-4), (1e-5, 1e-4), (1.0, 1.0)])
def test_the_riccati_equation_is_solved(place, effort):
    a, b = linear_physics()
    q, r = np.diag([place, 0, 1, 0]), np.array([[effort]])
    p = riccati(a, b, q, r)
    gain = np.linalg.inv(r + b.T @ p @ b)
    right_side = q + a.T @ p @ a - a.T @ p @ b @ gain @ b.T @ p @ a
    np.testing.assert_allclose(p, right_side, rtol=1e-8, atol=1e-8 * np.abs(p).max())
    assert np.abs(np.linalg.eigvals(a - b @ regulator(a, b, p, r))).max() < 1


def test_noise_takes_weight_from_the_place_on_the_track():
    calm, noisy = gains(0.0), gains(0.3)
    assert (calm > 0).all() and (noisy > 0).all()
    assert noisy[0] / noisy[2] < calm[0] / calm[2] / 10


@pytest.mark.parametrize("name", WITHOUT_NOISE)
def test_without_noise_the_pole_never_falls(name):
    returns = play_episodes(popgym.envs.find(name).task(), CartPoleKalman, 100, seed=1)
    np.testing.assert_allclose(returns, 1.0, atol=1e-9)


@pytest.mark.parametrize("name", ["PositionOnlyCartPole", "VelocityOnlyCartPole"])
def test_without_noise_the_state_is_soon_known(name):
    env = popgym.envs.find(name + "Easy").vector_class(50, autoreset_mode="SameStep")
    player = CartPoleKalman(env.family, 50)
    obs, start = env.reset(seed=2)[0], np.ones(50, bool)
    for _ in range(20):
        actions = player.act(obs, start)
        state, known = env.get_state(), player.state.copy()
        obs, start = env.step(actions)[0], np.zeros(50, bool)
    np.testing.assert_allclose(known, state, atol=2e-3)


def test_of_speeds_alone_only_the_place_stays_uncertain():
    env = popgym.envs.find("VelocityOnlyCartPoleEasyV1").vector_class(50, autoreset_mode="SameStep")
    player = CartPoleKalman(env.family, 50)
    obs, start = env.reset(seed=3)[0], np.ones(50, bool)
    for _ in range(20):
        actions = player.act(obs, start)
        error = player.state - env.get_state()
        obs, start = env.step(actions)[0], np.zeros(50, bool)
    assert np.abs(error[:, 1:]).max() < 2e-3
    assert 0.02 < np.abs(error[:, 0]).max() < 0.052  # within ±.05, as at the start


@pytest.mark.parametrize("level, least", [("Easy", 0.9), ("Medium", 0.5), ("Hard", 0.3)])
def test_in_noise_it_balances_far_longer_than_without_memory(level, least):
    task = popgym.envs.find(f"NoisyPositionOnlyCartPole{level}").task()
    scripted, memoryless = (
        play_episodes(task, p, 100, 4) for p in (CartPoleKalman, LeanMemoryless)
    )
    assert scripted.mean() > least
    assert scripted.mean() > memoryless.mean() + 0.15


def test_who_sees_the_state_never_fails_in_noise():
    task = popgym.envs.find("NoisyPositionOnlyCartPoleHard").task()
    oracle = players_of("NoisyPositionOnlyCartPoleHard")["oracle"]
    np.testing.assert_allclose(play_episodes(task, oracle, 100, seed=5), 1.0, atol=1e-9)


def test_speeds_alone_balance_for_200_steps_without_memory():
    task = popgym.envs.find("VelocityOnlyCartPoleEasy").task()
    np.testing.assert_allclose(play_episodes(task, SpeedMemoryless, 100, seed=6), 1.0, atol=1e-9)


def test_who_forgets_pushes_the_way_the_pole_leans():
    player = make_player("PositionOnlyCartPoleEasy", "memoryless", num_envs=2)
    assert player.act(np.array([[1.0, -0.1], [-1.0, 0.1]]), np.zeros(2, bool)).tolist() == [0, 1]
