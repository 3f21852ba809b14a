import numpy as np
import pytest

import popgym.envs
from tests.envs.test_labyrinths import DOWN, LEFT, MAZE, RIGHT, UP, WALLS, begin

BACK = {LEFT: RIGHT, RIGHT: LEFT, UP: DOWN, DOWN: UP}
MOVES = {LEFT: (0, -1), RIGHT: (0, 1), UP: (-1, 0), DOWN: (1, 0)}


def depth_first(free, place):
    """A walk over all free squares and back, as moves."""
    free = free.copy()

    def visit(y, x):
        free[y, x] = False
        for way, (dy, dx) in MOVES.items():
            v, u = y + dy, x + dx
            if 0 <= v < len(free) and 0 <= u < len(free) and free[v, u]:
                yield way
                yield from visit(v, u)
                yield BACK[way]

    return list(visit(*place))


def test_each_square_pays_once_and_the_last_ends_the_episode():
    env, _ = begin("LabyrinthExplore")
    free = WALLS == 0
    total, new, steps = 0.0, 0, 0
    for way in depth_first(free, MAZE["start"]):
        _, reward, terminated, truncated, _ = env.step(way)
        assert reward in (pytest.approx(1 / free.sum()), pytest.approx(-1 / 1024))
        total, new, steps = total + reward, new + (reward > 0), steps + 1
        if terminated:
            break
    assert terminated and not truncated and new == free.sum()
    assert total == pytest.approx(1 - (steps - new) / 1024)
    assert ((env.get_state() != 4) == free | (np.indices((7, 7)) == [[[0]], [[3]]]).all(0)).all()


def test_a_wall_costs_as_much_as_a_square_seen_before():
    env, _ = begin("LabyrinthExplore", episode_length=11)
    assert env.step(UP)[1] == pytest.approx(-1 / 11)
    assert env.step(DOWN)[1] == pytest.approx(1 / 17)
    assert env.step(UP)[1] == pytest.approx(-1 / 11)  # the start was seen from the beginning
    low, _ = env.family.return_bounds
    env.reset(options={"hidden": MAZE})
    assert sum(env.step(UP)[1] for _ in range(10)) == pytest.approx(low)


def test_the_goal_is_closed():
    env, _ = begin("LabyrinthExplore")
    for way in (DOWN, DOWN, DOWN, RIGHT, RIGHT, DOWN, DOWN):
        env.step(way)
    obs, reward, terminated, _, _ = env.step(DOWN)
    assert (obs[:9].reshape(3, 3)[2] == 1).all() and reward < 0 and not terminated


def test_everything_seen_at_the_last_step_is_both_an_end_and_the_limit():
    corridor = np.ones((7, 7), int)
    corridor[1:4, 3] = 0
    env, _ = begin("LabyrinthExplore", {**MAZE, "walls": corridor}, episode_length=4)
    results = [env.step(DOWN)[1:4] for _ in range(3)]
    assert results == [(pytest.approx(1 / 3), last, last) for last in (False, False, True)]


def test_every_free_square_needs_a_way():
    cut = WALLS.copy()
    cut[1, 2] = 1
    env, _ = begin("LabyrinthExplore")
    with pytest.raises(ValueError, match="a way from the start"):
        env.reset(options={"hidden": {**MAZE, "walls": cut}})
    assert popgym.envs.memory_needed("LabyrinthExploreHard") is None
