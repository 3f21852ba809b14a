"""What environments show under the names of POPGym 1: copies, true at every step."""

import numpy as np
import pytest

import popgym.envs
from popgym.core.maze import WALL
from popgym.envs.autoencode import Mode
from popgym.envs.minesweeper import HiddenSquare


def begin(name, **arguments):
    env = getattr(popgym.envs, name)(**arguments)
    return env, env.reset(seed=3)[0]


def test_labyrinths_are_always_there():
    assert popgym.envs.has_mazelib() is True


def test_battleship_shows_its_ships_and_the_guesses():
    env, _ = begin("Battleship")
    assert env.board.sum() == sum(env.ship_sizes) and not env.guesses.any()
    square = np.argwhere(env.board)[0]
    assert env.step(square)[0] == 1 and env.guesses[tuple(square)] == env.guesses.sum() == 1


def test_minesweeper_shows_its_squares_and_rewards():
    env, _ = begin("MineSweeper")
    free = np.argwhere(env.hidden_grid == HiddenSquare.CLEAR)
    assert len(free) == env.max_episode_length
    assert env.step(free[0])[1] == env.success_reward_scale == 1 / 14
    assert env.hidden_grid[tuple(free[0])] == HiddenSquare.VIEWED
    assert env.step(free[0])[1] == env.bad_action_reward_scale
    mine = np.argwhere(env.hidden_grid == HiddenSquare.MINE)[0]
    assert env.step(mine)[1] == env.fail_reward_scale


def test_concentration_shows_its_cards():
    env, _ = begin("Concentration")
    ranks = env.deck.ranks_idx[env.deck.idx]
    first, second = np.flatnonzero(ranks == 5)[:2]
    assert env.step(first)[0][first] == 5 and env.deck["in_play_idx"] == [first]
    assert env.step(second)[1] == env.success_reward_scale and env.deck["in_play"] == []
    assert sorted(env.deck["face_up_idx"]) == sorted([first, second])
    assert env.deck["face_up"] == env.deck.idx[env.deck["face_up_idx"]].tolist()
    assert env.step(first)[1] == env.failure_reward_scale == -1 / env.episode_length


def test_count_recall_shows_what_was_dealt():
    env, obs = begin("CountRecall", deck_type="suits")
    assert (env.num_distinct_cards, env.max_card_count, env.value_deck.num_cards) == (4, 13, 52)
    for _ in range(9):
        obs = env.step(0)[0]
    assert env.value_deck.suits_idx[env.value_deck["in_play"][-1]] == obs[0]
    assert env.query_deck.suits_idx[env.query_deck["in_play"][-1]] == obs[1]
    assert env.value_deck.hand_size("in_play") == 10 and len(env.value_deck) == 42


def test_autoencode_shows_the_pile():
    env, obs = begin("Autoencode")
    assert obs[0] == Mode.WATCH is env.mode
    for _ in range(51):
        obs = env.step(0)[0]
        assert env.deck.suits_idx[env.deck["system"][-1]] == obs[1]
    assert (env.mode, len(env.deck)) == (Mode.PLAY, 0)
    earned = sum(env.step(env.deck.suits_idx[env.deck["system"][-1]])[1] for _ in range(52))
    assert earned == pytest.approx(1.0) and env.deck["system"] == []


@pytest.mark.parametrize("name", ["LabyrinthEscape", "LabyrinthExplore"])
def test_labyrinths_show_the_maze_and_the_way_through_it(name):
    env, _ = begin(name, maze_dims=(6, 6))
    start = env.maze.start
    assert env.position == start and env.explored.sum() == 1 and env.curr_step == 0
    env.action_space.seed(0)
    for _ in range(30):
        reward, terminated = env.step(env.action_space.sample())[1:3]
        assert terminated or reward in (env.neg_reward_scale, 1 / (env.maze.grid == 0).sum())
    assert env.curr_step == 30 and env.explored[env.position]
    assert not (env.explored.astype(bool) & (env.maze.grid == WALL)).any()
    shown = env.tostring(start=True, end=True, agent=True, visited=True)
    assert "@@" in shown and "GG" in shown and "··" in shown
    assert set(env.tostring()) == {"█", " ", "\n"}


@pytest.mark.parametrize(
    ("name", "attribute"),
    [("Battleship", "board"), ("MineSweeper", "hidden_grid"), ("LabyrinthEscape", "explored")],
)
def test_what_is_shown_is_a_copy(name, attribute):
    env, _ = begin(name)
    before = env.snapshot()
    getattr(env, attribute)[:] = 1
    for key, value in env.snapshot().items():
        np.testing.assert_array_equal(value, before[key])


def test_a_level_shows_it_too_and_a_subclass_may_use_the_name_itself():
    assert begin("BattleshipEasy")[0].board.shape == (8, 8)

    class Mine(popgym.envs.Battleship):
        def __init__(self):
            super().__init__()
            self.board = "mine"

    assert Mine().board == "mine"
