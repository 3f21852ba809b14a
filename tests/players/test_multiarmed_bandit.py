"""Players of MultiarmedBandit."""

import numpy as np
import pytest

import popgym.envs
from popgym.players import make_player, play_episodes, players_of
from popgym.players.multiarmed_bandit import GittinsIndex, ThompsonSampling, boundary

BEGIN, GO_ON = np.array([True]), np.array([False])


def test_win_stay_lose_shift_by_hand():
    player = make_player("MultiarmedBandit", "win-stay lose-shift", num_bandits=3)
    paid = [0, 1, 1, 0, 1, 0, 0, 0]
    starts = [BEGIN] + [GO_ON] * 7
    pulled = [int(player.act(np.array([p]), s)[0]) for p, s in zip(paid, starts, strict=True)]
    assert pulled == [0, 0, 0, 1, 1, 2, 0, 1]
    assert player.act(np.array([0]), BEGIN) == 0


def test_the_oracle_pulls_the_best_arm():
    player = make_player("MultiarmedBandit", "oracle", num_envs=2)
    arms = np.array([[0.1, 0.9, 0.3], [0.5, 0.2, 0.1]])
    assert player.observes_state and player.act(arms, GO_ON).tolist() == [1, 0]


def test_counts_are_of_the_arms_that_were_pulled():
    player = ThompsonSampling(popgym.envs.find("MultiarmedBandit").task(), 1, seed=1)
    counts = np.ones((10, 2))
    arm = player.act(np.array([0]), BEGIN)
    for paid in (1, 0, 0, 1, 1):
        counts[arm[0], 1 - paid] += 1
        arm = player.act(np.array([paid]), GO_ON)
    np.testing.assert_array_equal(player.beta[0], counts)


def test_thompson_sampling_pulls_an_arm_as_often_as_it_is_likely_the_best():
    """With Beta(2, 1) and Beta(1, 1), P(A > B) = ∫ 2x · x dx = 2/3."""
    task = popgym.envs.find("MultiarmedBandit").task(num_bandits=2, episode_length=9)
    player = ThompsonSampling(task, 30_000, seed=2)
    player.act(np.zeros(30_000, int), np.ones(30_000, bool))
    player.arm[:] = 0
    pulled = player.act(np.ones(30_000, int), np.zeros(30_000, bool))
    assert abs((pulled == 0).mean() - 2 / 3) < 4 * np.sqrt(2 / 9 / 30_000)


def index_by_value_iteration(a, b, discount, depth=400):
    """The Gittins index of Beta(a, b): the sure payment that is worth as much as the arm."""
    low, high = a / (a + b), 1.0
    while high - low > 1e-5:
        sure = (low + high) / 2
        mean = (a + np.arange(depth + 1)) / (a + b + depth)
        value = np.maximum(mean, sure) / (1 - discount)
        for pulls in range(depth - 1, -1, -1):
            mean = (a + np.arange(pulls + 1)) / (a + b + pulls)
            pull = mean + discount * (mean * value[1:] + (1 - mean) * value[:-1])
            value = np.maximum(sure / (1 - discount), pull)
        low, high = (sure, high) if pull[0] > sure / (1 - discount) + 1e-9 else (low, sure)
    return low


@pytest.mark.parametrize("a, b, error", [(1, 1, 0.11), (3, 2, 0.05), (2, 6, 0.05), (20, 10, 0.01)])
def test_the_index_is_near_that_of_value_iteration_the_nearer_the_more_is_known(a, b, error):
    left = 20
    task = popgym.envs.find("MultiarmedBandit").task(num_bandits=1, episode_length=left)
    player = GittinsIndex(task, 1)
    player.left[:] = left
    index = player.worth(np.array([[a]]), np.array([[b]])).item()
    exact = index_by_value_iteration(a, b, 1 - 1 / left)
    assert a / (a + b) < index and abs(index - exact) < error


def test_the_last_pull_is_of_the_likeliest_arm():
    task = popgym.envs.find("MultiarmedBandit").task(num_bandits=2)
    player = GittinsIndex(task, 1)
    player.left[:] = 1
    np.testing.assert_allclose(player.worth(np.array([1, 6]), np.array([1, 5])), [[1 / 2, 6 / 11]])


def test_the_boundary_by_hand():
    s = np.array([0.08, 0.25, 4.0, 9.0, 100.0])
    expected = [0.2, 0.27, 0.5, 0.77 - 0.58 / 3, np.sqrt(9.21034 - 1.52718 - 3.91732)]
    np.testing.assert_allclose(boundary(s), expected, atol=1e-5)


def test_the_more_is_known_the_more_is_earned():
    task = popgym.envs.find("MultiarmedBanditEasy").task()
    players = players_of("MultiarmedBanditEasy")
    means = [play_episodes(task, player, 2000, seed=3).mean() for player in players.values()]
    assert [*players] == [
        "random",
        "win-stay lose-shift",
        "Thompson sampling",
        "scripted",
        "oracle",
    ]
    assert (np.diff(means) > 0.04).all()


def test_the_distribution_of_returns_does_not_depend_on_how_many_play_at_once():
    task = popgym.envs.find("MultiarmedBanditEasy").task()
    few, many = (
        play_episodes(task, ThompsonSampling, 600, seed=seed, num_envs=num_envs)
        for seed, num_envs in ((4, 5), (5, 600))
    )
    assert abs(few.mean() - many.mean()) < 4 * np.sqrt((few.var() + many.var()) / 600)
    assert few.std() == pytest.approx(many.std(), rel=0.2)
