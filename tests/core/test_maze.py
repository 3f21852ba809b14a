from types import SimpleNamespace

import numpy as np
import pytest

from popgym.core.maze import carve, place_doors, reachable
from popgym.core.random import stream


def a_record(seed):
    return SimpleNamespace(rng=stream(seed, 0)[0])


def a_maze(seed, rows=13, columns=9):
    walls = np.zeros((rows, columns), np.int8)
    with np.errstate(over="ignore"):  # SplitMix64 counts modulo 2⁶⁴
        carve(a_record(seed), walls, True)
    return walls


def test_there_is_exactly_one_way_between_any_two_cells():
    for seed in range(20):
        free = a_maze(seed) == 0
        assert free[1::2, 1::2].all() and not free[::2, ::2].any()
        assert not free[[0, -1]].any() and not free[:, [0, -1]].any()
        cells = free[1::2, 1::2].size
        assert free.sum() == cells + cells - 1  # a tree has a passage fewer than cells
        assert (reachable(free[None], np.array([[1, 1]]))[0] == free).all()


def test_mazes_differ_and_follow_from_the_random_stream():
    assert len({a_maze(seed).tobytes() for seed in range(20)}) == 20
    np.testing.assert_array_equal(a_maze(3), a_maze(3))


def test_doors_are_at_cells_on_opposite_sides():
    sides = set()
    start, goal = np.zeros(2, int), np.zeros(2, int)
    for seed in range(40):
        with np.errstate(over="ignore"):
            place_doors(a_record(seed), 13, 9, start, goal)
        across = 1 if start[0] in (0, 12) else 0
        assert start[across] % 2 == 1 and goal[across] % 2 == 1
        assert {start[1 - across], goal[1 - across]} == {0, (13, 9)[1 - across] - 1}
        sides.add((across, start[1 - across]))
    assert len(sides) == 4


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_reachable_squares_are_those_that_a_plain_search_finds(share):
    rng = np.random.default_rng(0)
    free = rng.random((30, 6, 8)) < share
    start = rng.integers([6, 8], size=(30, 2))
    free[np.arange(30), start[:, 0], start[:, 1]] = True
    for board, place, reached in zip(free, start.tolist(), reachable(free, start), strict=True):
        found, todo = {tuple(place)}, [tuple(place)]
        while todo:
            y, x = todo.pop()
            for square in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
                inside = 0 <= square[0] < 6 and 0 <= square[1] < 8
                if inside and board[square] and square not in found:
                    found.add(square)
                    todo.append(square)
        assert {tuple(square) for square in np.argwhere(reached).tolist()} == found
