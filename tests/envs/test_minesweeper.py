import numpy as np
import pytest

import popgym.envs
from tests.envs.chance import assert_plausible, chi_square, random_returns

LEVELS = ["MineSweeperEasy", "MineSweeperMedium", "MineSweeperHard"]
BOARD = [[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]]


def begin(board=BOARD, **arguments):
    env = popgym.envs.MineSweeper(**arguments, render_mode="ansi")
    env.reset(options={"hidden": {"mines": board}})
    return env


def test_every_set_of_squares_is_as_likely_to_hold_the_mines():
    env = popgym.envs.find("MineSweeperEasy").vector_class(30_000)
    env.reset(seed=0)
    boards = env.snapshot()["records"]["mines"].reshape(30_000, 16)
    assert (boards.sum(axis=1) == 2).all()
    first, second = np.nonzero(boards)[1].reshape(-1, 2).T
    counts = np.bincount(first * 16 + second, minlength=256).reshape(16, 16)
    pairs = counts[np.triu_indices(16, 1)]
    assert pairs.sum() == 30_000
    assert_plausible(chi_square(pairs), 119)


@pytest.mark.parametrize("name", LEVELS)
def test_every_square_is_as_likely_to_hold_a_mine(name):
    env = popgym.envs.find(name).vector_class(20_000)
    env.reset(seed=1)
    boards = env.snapshot()["records"]["mines"].reshape(20_000, -1)
    mines = env.family.num_mines
    assert (boards.sum(axis=1) == mines).all()
    share = mines / boards.shape[1]
    # Mines without replacement: the counts vary by the share of free squares less.
    assert_plausible(chi_square(boards.sum(axis=0)) / (1 - share), boards.shape[1] - 1)


def test_numbers_count_the_square_itself_and_its_neighbours(uncompiled):
    env = popgym.envs.MineSweeper(dims=(5, 7), num_mines=14)
    rng = np.random.default_rng(2)
    for _ in range(20):
        mines = np.zeros(35, int)
        mines[rng.permutation(35)[:14]] = 1
        mines = mines.reshape(5, 7)
        assert env.reset(options={"hidden": {"mines": mines}})[0] == 0
        padded = np.pad(mines, 1)
        y, x = rng.integers(5), rng.integers(7)
        assert env.step([y, x])[0] == padded[y : y + 3, x : x + 3].sum()


@pytest.mark.parametrize("name", LEVELS)
def test_uncovering_every_free_square_once_wins_everything(name):
    env = popgym.envs.find(name).env_class()
    env.reset(seed=3)
    free = np.argwhere(env.get_state().reshape(env.family.dims) == 0)
    results = [env.step(square)[1:4] for square in free]
    assert sum(reward for reward, _, _ in results) == pytest.approx(1.0)
    assert results[-1][1:] == (True, False) and len(results) == env.max_episode_length
    assert not any(terminated or truncated for _, terminated, truncated in results[:-1])
    assert (env.get_state() > 0).all()


def test_a_repeat_costs_and_makes_winning_impossible():
    env = begin()
    results = [env.step([0, 0])[1:4] for _ in range(14)]
    assert results[0] == (pytest.approx(1 / 14), False, False)
    assert results[1] == (pytest.approx(-0.5 / 12), False, False)
    assert results[-1] == (pytest.approx(-0.5 / 12), False, True)


def test_a_mine_ends_the_episode_even_at_the_last_step():
    env = begin()
    obs, reward, terminated, truncated, info = env.step([1, 1])
    assert (obs, reward, terminated, truncated) == (1, pytest.approx(-0.5 - 1 / 14), True, False)
    assert info == {}
    env = begin()
    returns = sum(env.step([0, 0])[1] for _ in range(13))
    _, reward, terminated, truncated, _ = env.step([3, 3])
    assert (terminated, truncated) == (True, False)
    assert returns + reward == pytest.approx(-1.0)  # the least that can be earned


@pytest.mark.parametrize("name, published", [*zip(LEVELS, (-0.233, -0.403, -0.434), strict=True)])
def test_random_play_earns_what_it_did_in_the_original(name, published):
    env = popgym.envs.find(name).vector_class(4000, autoreset_mode="SameStep")
    mean = random_returns(env, 4).mean()
    # Theirs has a standard error of .006 or less, ours of .005.
    assert mean == pytest.approx(published, abs=0.02)


def test_the_drawing_shows_the_last_square_and_reveals_the_rest_on_demand():
    env = begin()
    env.step([0, 0])
    env.step([2, 3])
    picture = env.render()
    assert picture.split("\n")[:4] == ["· · · ·", "· · · ·", "· · · 1", "· · · ·"]
    assert "2 mines   step 2 of 14   row 2, column 3" in picture
    revealed = env.family.draw(env.snapshot()["records"][0], reveal=True)
    assert revealed.split("\n")[:4] == ["1 · · ·", "· * · ·", "· · · 1", "· · · *"]
    env.step([1, 1])
    assert "· * · ·" in env.render()


@pytest.mark.parametrize(
    "arguments, match",
    [
        ({"difficulty": "hardest"}, r"difficulty must be one of \['easy', 'medium', 'hard'\]"),
        ({"difficulty": 1}, "difficulty must be one of"),
        ({"dims": (4,)}, r"dims must be two whole numbers \(rows, columns\), got \(4,\)"),
        ({"dims": 4}, "dims must be two whole numbers"),
        ({"dims": (4, 0)}, r"dims\[1\] must be a whole number at least 1, got 0"),
        ({"dims": (2, 1)}, r"dims must give at least 3 squares, got \(2, 1\)"),
        ({"dims": (2, 2), "num_mines": 2}, "num_mines must be a whole number from 0 to 1, got 2"),
        ({"num_mines": -1}, "num_mines"),
        ({"num_mines": 14}, "num_mines must be a whole number from 0 to 13"),
        ({"num_mines": 2.0}, "num_mines"),
    ],
)
def test_wrong_arguments_are_refused(arguments, match):
    with pytest.raises(ValueError, match=match):
        popgym.envs.MineSweeper(**arguments)


def test_boards_may_have_any_size_and_number_of_mines(uncompiled):
    env = popgym.envs.MineSweeper("hard", dims=(3, 9), num_mines=20)
    assert env.observation_space.n == 10 and env.action_space.nvec.tolist() == [3, 9]
    assert env.max_episode_length == 7 and env.state_space.shape == (27,)
    assert popgym.envs.MineSweeper("medium").family.num_mines == 6
    assert popgym.envs.MineSweeperHard().family.dims == (8, 8)
    env = popgym.envs.MineSweeper(dims=(1, 3), num_mines=0)
    env.reset(seed=0)
    assert [env.step([0, x])[0] for x in range(3)] == [0, 0, 0]


@pytest.mark.parametrize(
    "mines, match",
    [
        (np.eye(4, dtype=int), r"hidden\['mines'\] must contain 2 ones, got 4"),
        (np.zeros((4, 4), int), "must contain 2 ones, got 0"),
        (2 * np.array(BOARD), "zeros and ones"),
        (np.array(BOARD)[:3], r"of shape \(4, 4\)"),
    ],
)
def test_a_wrong_board_is_refused_and_changes_nothing(mines, match):
    env = begin()
    env.step([0, 0])
    before = env.get_state()
    with pytest.raises(ValueError, match=match):
        env.reset(options={"hidden": {"mines": mines}})
    np.testing.assert_array_equal(env.get_state(), before)
    assert env.step([0, 1])[0] == 1
