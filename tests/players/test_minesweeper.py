"""MineSweeper's odds and endgames, each beside a count of all boards one by one."""

from functools import cache
from itertools import combinations

import numpy as np
import pytest

import popgym.envs
from popgym.players import play_episodes
from popgym.players.mine_endgame import Endgame
from popgym.players.mine_odds import Boards, TooManyStatesError
from popgym.players.minesweeper import Board, MineSweeperScripted, neighbours, rough_odds
from popgym.players.random import Random


def position(rng, rows, columns, num_mines, opened):
    """A board with some free squares uncovered: covered squares and clues."""
    near = neighbours(rows, columns)
    order = rng.permutation(rows * columns).tolist()
    mines, shown = set(order[:num_mines]), order[num_mines:][:opened]
    covered = [square for square in range(rows * columns) if square not in shown]
    clues = [(near[square] & set(covered), len(near[square] & mines)) for square in shown]
    return covered, [clue for clue in clues if clue[0]]


def every_board(covered, clues, num_mines):
    """All sets of mines that agree with the clues, found by trying all."""
    return [
        set(mines)
        for mines in combinations(covered, num_mines)
        if all(len(squares & set(mines)) == number for squares, number in clues)
    ]


@pytest.mark.parametrize("rows, columns, num_mines", [(4, 4, 2), (4, 4, 7), (3, 5, 4), (1, 9, 3)])
@pytest.mark.parametrize("opened", [0, 1, 3, 5])
def test_odds_are_those_of_all_boards_that_agree_with_the_clues(rows, columns, num_mines, opened):
    rng = np.random.default_rng([rows, num_mines, opened])
    for _ in range(10):
        covered, clues = position(rng, rows, columns, num_mines, opened)
        known, expected = Boards(covered, clues, num_mines), every_board(covered, clues, num_mines)
        assert known.total == len(expected) > 0
        odds = known.odds()
        assert sorted(odds) == covered
        for square in covered:
            share = sum(square in mines for mines in expected) / len(expected)
            assert odds[square] == pytest.approx(share, abs=1e-12)


def test_all_boards_are_listed_once():
    rng = np.random.default_rng(1)
    for opened in (0, 2, 4, 6) * 5:
        covered, clues = position(rng, 4, 4, 3, opened)
        listed = Boards(covered, clues, 3).list_all()
        expected = every_board(covered, clues, 3)
        assert sorted(listed) == sorted(sum(1 << i for i in mines) for mines in expected)


def test_of_clues_that_contradict_each_other_there_is_no_board():
    assert Boards(range(4), [(frozenset({0, 1}), 2), (frozenset({0, 1, 2}), 1)], 3).total == 0
    assert Boards(range(4), [(frozenset({0, 1}), 2)], 1).total == 0
    assert Boards(range(2), [(frozenset({0, 1}), 1)], 2).total == 0


def test_too_many_states_are_refused_and_single_clues_used_instead():
    clues = [(frozenset({0, 1}), 1), (frozenset({1, 2}), 0), (frozenset({0, 3}), 2)]
    with pytest.raises(TooManyStatesError):
        Boards(range(8), clues, 3, max_states=2)
    odds = rough_odds(list(range(8)), clues, 3)
    assert odds == {0: 1.0, 1: 0.0, 2: 0.0, 3: 1.0} | dict.fromkeys(range(4, 8), 3 / 8)


def best_of_all_play(rows, columns, num_mines):
    """The most that can be expected, over all actions at all steps, repeated squares included."""
    near, squares = neighbours(rows, columns), range(rows * columns)
    n = len(squares) - num_mines

    @cache
    def value(boards, shown, steps):
        if len(shown) == n or steps == 0:
            return 0.0
        options = [value(boards, shown, steps - 1) - 0.5 / (n - 2)] if shown else []
        for square in set(squares) - shown:
            told = {}
            for mines in boards:
                number = None if square in mines else len(near[square] & mines)
                told.setdefault(number, []).append(mines)
            worth = len(told.pop(None, [])) * (-0.5 - 1 / n)
            for part in told.values():
                later = value(frozenset(part), shown | {square}, steps - 1)
                worth += len(part) * (1 / n + later)
            options.append(worth / len(boards))
        return max(options)

    boards = frozenset(map(frozenset, combinations(squares, num_mines)))
    return value(boards, frozenset(), n)


@pytest.mark.parametrize("task", [(1, 5, 2), (2, 3, 2), (2, 3, 3), (2, 4, 2), (3, 3, 1)])
def test_no_way_to_play_earns_more_than_the_endgames(task):
    rows, columns, num_mines = task
    near = [sum(1 << i for i in beside) for beside in neighbours(rows, columns)]
    boards = Boards(range(rows * columns), [], num_mines).list_all()
    value, _ = Endgame(near, rows * columns - num_mines).solve(boards, 0)
    assert value == pytest.approx(best_of_all_play(*task), abs=1e-12)


def test_an_even_chance_of_the_last_mine_is_not_taken():
    """The two squares of the first column have the same neighbours, so nothing tells them apart."""
    near = [sum(1 << i for i in beside) for beside in neighbours(2, 5)]
    last_two = 1 << 0 | 1 << 5
    assert Endgame(near, 9).solve([1 << 0, 1 << 5], 2**10 - 1 - last_two) == (-0.5 / 7, None)


def test_an_endgame_is_left_alone_where_the_effort_does_not_suffice():
    near = [sum(1 << i for i in beside) for beside in neighbours(4, 4)]
    boards = Boards(range(16), [], 2).list_all()
    assert Endgame(near, 14, effort=200).solve(boards, 0) is None
    assert Endgame(near, 14).solve(boards, 0)[0] == pytest.approx(0.766071, abs=1e-6)


def test_it_earns_on_the_easy_board_what_the_best_play_does():
    returns = play_episodes(
        popgym.envs.find("MineSweeperEasy").task(), MineSweeperScripted, 2000, 1
    )
    assert abs(returns.mean() - 0.766071) < 4 * returns.std() / np.sqrt(2000)


@pytest.mark.parametrize("level, margin", [("Easy", 0.8), ("Medium", 0.8), ("Hard", 0.8)])
def test_it_beats_random_play_by_far(level, margin):
    task = popgym.envs.find(f"MineSweeper{level}").task()
    scripted, random = (play_episodes(task, p, 100, seed=2) for p in (MineSweeperScripted, Random))
    assert scripted.mean() > random.mean() + margin


def test_what_is_safe_is_uncovered_first_and_nothing_twice_before_it_stops():
    task = popgym.envs.find("MineSweeperHard").task()
    env = popgym.envs.find("MineSweeperHard").vector_class(40, autoreset_mode="SameStep")
    player = MineSweeperScripted(task, 40, seed=0)
    obs, start = env.reset(seed=3)[0], np.ones(40, bool)
    for _ in range(150):
        actions = player.act(obs, start)
        for board, (row, column), first in zip(player.boards, actions, start, strict=True):
            square = int(row) * 8 + int(column)
            assert not first or not board.told
            assert (square in board.told) == board.has_stopped
        obs, _, terminated, truncated, _ = env.step(actions)
        start = terminated | truncated


def test_a_lost_board_is_borne_until_the_next_begins():
    """Other autoreset modes show the number of the mine's square, which fits no board."""
    board = Board(neighbours(1, 5), 2, Endgame([0] * 5, 3))
    for square, number in ((0, 0), (4, 0), (2, 0)):
        board.last = square
        board.tell(number)
    assert 0 <= board.choose() < 5
