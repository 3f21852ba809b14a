import pytest

import popgym.envs
from tests.envs.test_labyrinths import DOWN, LEFT, MAZE, RIGHT, WALLS, begin

WAY_OUT = [DOWN, DOWN, DOWN, RIGHT, RIGHT, DOWN, DOWN, DOWN]


def test_the_shortest_way_costs_its_steps_and_ends_at_the_exit():
    env, _ = begin("LabyrinthEscape")
    results = [env.step(way)[:4] for way in WAY_OUT]
    assert [result[2:] for result in results] == [(False, False)] * 7 + [(True, False)]
    rewards = [result[1] for result in results]
    assert rewards == [pytest.approx(-1 / 1024)] * 7 + [pytest.approx(1 - 1 / 1024)]
    assert results[-1][0][:9].reshape(3, 3)[1].tolist() == [1, 3, 1]  # the exit in view
    assert env.get_state()[6, 5] == 3


def test_the_exit_may_be_reached_at_the_last_step():
    env, _ = begin("LabyrinthEscape", episode_length=9)
    results = [env.step(way)[1:4] for way in WAY_OUT]
    assert results[-1] == (pytest.approx(1 - 1 / 9), True, True)
    env, _ = begin("LabyrinthEscape", episode_length=8)
    results = [env.step(way)[1:4] for way in WAY_OUT[:7]]
    assert results[-1] == (pytest.approx(-1 / 8), False, True)


def test_the_bounds_are_reached():
    env, _ = begin("LabyrinthEscape", episode_length=9)
    low, high = env.family.return_bounds
    assert sum(env.step(LEFT)[1] for _ in range(8)) == pytest.approx(low)
    env.reset(options={"hidden": {**MAZE, "start": [5, 5]}})
    assert env.step(DOWN)[1] == pytest.approx(high)


def test_the_exit_needs_a_way_but_other_squares_need_none():
    closed = WALLS.copy()
    closed[1, 2] = 1  # cuts the left part off, where the exit is not
    env, _ = begin("LabyrinthEscape", {**MAZE, "walls": closed})
    assert [env.step(way)[2] for way in WAY_OUT][-1]
    assert popgym.envs.memory_needed("LabyrinthEscapeEasy") is None
