from collections import Counter

import numpy as np
import pytest

import popgym.envs
from popgym.envs.battleship import made_of
from tests.envs.chance import chi_square, random_returns

LEVELS = ["BattleshipEasy", "BattleshipMedium", "BattleshipHard"]
SMALL = {"board_size": 4, "ship_sizes": [2, 3]}
BOARD = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 1, 1]])
OCCUPIED = [14963, 43169, 53803, 57985, 27223, 64063, 67710, 36061, 75643, 39380]
"""How often POPGym 1.0.7 had ships on the squares of 40,000 easy boards, by the squares'
distances (0 to 3) from the two nearest borders: (0, 0), (0, 1), … (0, 3), (1, 1), … (3, 3)."""


def begin(board=BOARD, **arguments):
    env = popgym.envs.Battleship(**{**SMALL, **arguments}, render_mode="ansi")
    env.reset(options={"hidden": {"ships": board}})
    return env


def placements(side, size):
    """Every way to lay a ship: sets of squares."""
    for y in range(side):
        for x in range(side - size + 1):
            yield frozenset((y, x + i) for i in range(size))
            yield frozenset((x + i, y) for i in range(size))


def test_every_legal_place_is_as_likely_for_each_ship_in_turn():
    # The exact distribution over boards: the first ship anywhere, the second where there is room.
    chances, firsts = Counter(), list(placements(4, 2))
    for first in firsts:
        seconds = [second for second in placements(4, 3) if not first & second]
        for second in seconds:
            chances[first | second] += 1 / len(firsts) / len(seconds)
    assert sum(chances.values()) == pytest.approx(1)
    env = popgym.envs.find("Battleship").vector_class(60_000, **SMALL)
    env.reset(seed=0)
    boards = env.snapshot()["records"]["ships"]
    drawn = Counter(frozenset(map(tuple, np.argwhere(board).tolist())) for board in boards)
    assert set(drawn) <= set(chances)
    statistic = sum((drawn[b] - 60_000 * p) ** 2 / (60_000 * p) for b, p in chances.items())
    degrees = len(chances) - 1
    assert abs(statistic - degrees) < 4.5 * np.sqrt(2 * degrees)


def test_ships_lie_where_they_lay_in_the_original():
    env = popgym.envs.find("BattleshipEasy").vector_class(40_000)
    env.reset(seed=1)
    boards = env.snapshot()["records"]["ships"].sum(axis=0, dtype=int)
    # Also alike in all eight reflections, which the original's rule implies.
    border = np.minimum(np.arange(8), 7 - np.arange(8))
    near, far = np.sort(np.stack(np.meshgrid(border, border)), axis=0)
    ours = [boards[(near == a) & (far == b)] for a in range(4) for b in range(a, 4)]
    for squares, theirs in zip(ours, OCCUPIED, strict=True):
        assert abs(squares.sum() - theirs) < 4.5 * np.sqrt(squares.sum() + theirs)
        assert chi_square(squares) < 30  # at most 7 degrees: p < .0001


@pytest.mark.parametrize("name", LEVELS)
def test_every_board_is_made_of_the_ships(name):
    env = popgym.envs.find(name).vector_class(200)
    env.reset(seed=2)
    boards = env.snapshot()["records"]["ships"]
    assert all(made_of(board.astype(bool), (2, 3, 3, 4)) for board in boards)
    assert len({board.tobytes() for board in boards}) == 200


@pytest.mark.parametrize("name", LEVELS)
def test_hitting_every_ship_at_once_earns_everything_and_missing_all_the_least(name):
    env = popgym.envs.find(name).env_class()
    env.reset(seed=3)
    ships = env.get_state()[0]
    results = [env.step(square)[:4] for square in np.argwhere(ships)]
    assert [result[0] for result in results] == [1] * 12
    assert sum(result[1] for result in results) == pytest.approx(1.0)
    assert [result[2:] for result in results] == [(False, False)] * 11 + [(True, False)]
    env.reset(seed=3)
    water = np.argwhere(ships == 0)[0]
    results = [env.step(water)[1:4] for _ in range(env.max_episode_length)]
    assert sum(result[0] for result in results) == pytest.approx(env.family.return_bounds[0])
    assert results[-1][1:] == (False, True) and not any(result[2] for result in results[:-1])


@pytest.mark.parametrize("name", LEVELS)
def test_firing_at_every_square_in_turn_earns_nothing(name):
    env = popgym.envs.find(name).env_class()
    env.reset(seed=4)
    total = 0.0
    for square in np.ndindex(env.family.board_size, env.family.board_size):
        _, reward, terminated, truncated, _ = env.step(square)
        total += reward
        if terminated:
            break
    water_left = 1 - truncated  # the rest of the board would have been water
    assert 0 <= total <= 1 if water_left else total == pytest.approx(0.0)


def test_a_second_shot_at_a_ships_square_is_a_miss():
    env = begin()
    assert env.step([0, 0])[:2] == (1, pytest.approx(1 / 5))
    assert env.step([0, 0])[:2] == (0, pytest.approx(-1 / 11))
    ships, shots, hit = env.get_state()
    np.testing.assert_array_equal(ships, BOARD)
    assert shots.sum() == 1 and hit == 0


def test_the_last_shot_may_sink_the_last_ship():
    env = begin()
    squares = sorted(np.ndindex(4, 4), key=lambda square: BOARD[square])  # ships last
    results = [env.step(square)[1:] for square in squares]
    assert results[-1] == (pytest.approx(1 / 5), True, True, {})
    assert sum(result[0] for result in results) == pytest.approx(0.0)


@pytest.mark.parametrize("name, published", [*zip(LEVELS, (-0.445, -0.418, -0.402), strict=True)])
def test_random_play_earns_what_it_did_in_the_original(name, published):
    env = popgym.envs.find(name).vector_class(4000, autoreset_mode="SameStep")
    mean = random_returns(env, 5).mean()
    # Both means have a standard error of .003.
    assert mean == pytest.approx(published, abs=0.016)


def test_the_drawing_shows_the_last_shot_and_reveals_the_rest_on_demand():
    env = begin()
    assert env.render().split("\n") == ["· · · ·"] * 4 + ["step 0 of 16"]
    env.step([0, 0])
    assert "row 0, column 0: hit" in env.render() and "☒ · · ·" in env.render()
    env.step([2, 2])
    assert "no new hit" in env.render() and "☒" not in env.render()
    assert "☐" not in env.render() and "· · ⚬ ·" in env.render()
    revealed = env.family.draw(env.snapshot()["records"][0], reveal=True)
    assert revealed.split("\n")[:4] == ["☒ ☐ · ·", "· · · ·", "· · ⚬ ·", "· ☐ ☐ ☐"]


@pytest.mark.parametrize(
    "arguments, match",
    [
        ({"board_size": 1}, "board_size must be a whole number at least 2, got 1"),
        ({"board_size": 8.0}, "board_size"),
        ({"ship_sizes": 3}, "ship_sizes must be a list of whole numbers, got 3"),
        ({"ship_sizes": []}, "ship_sizes must be a list"),
        ({"ship_sizes": [2, 0]}, "each of ship_sizes must be a whole number from 1 to 10, got 0"),
        ({"ship_sizes": [11]}, "from 1 to 10, got 11"),
        ({"board_size": 4}, "may leave no room for a ship of 3 on a board of 4 × 4"),
        ({"board_size": 2, "ship_sizes": [1] * 4}, "leave no water"),
    ],
)
def test_wrong_arguments_are_refused(arguments, match):
    with pytest.raises(ValueError, match=match):
        popgym.envs.Battleship(**arguments)


def test_ships_that_just_fit_are_always_placed():
    for seed in range(50):
        env = popgym.envs.Battleship(board_size=3, ship_sizes=[3, 1, 1, 1, 1, 1])
        env.reset(seed=seed)
        assert env.get_state()[0].sum() == 8


@pytest.mark.parametrize(
    "change, match",
    [
        ({(3, 3): 0, (0, 3): 1}, "straight ships along rows or columns, of 2, 3 squares"),
        ({(3, 3): 0}, "straight ships"),  # a square short: two ships on one square
        ({(1, 3): 1}, "straight ships"),
        ({(3, 3): 0, (2, 3): 1}, "straight ships"),  # bent
        ({(0, 1): 0, (1, 1): 1}, "straight ships"),  # a slanting ship
        ({(0, 0): 2}, "zeros and ones"),
    ],
)
def test_a_board_that_is_not_made_of_the_ships_is_refused_and_changes_nothing(change, match):
    env = begin()
    env.step([0, 0])
    before = env.get_state()
    board = BOARD.copy()
    for square, value in change.items():
        board[square] = value
    with pytest.raises(ValueError, match=match):
        env.reset(options={"hidden": {"ships": board}})
    for kept, was in zip(env.get_state(), before, strict=True):
        np.testing.assert_array_equal(kept, was)
    assert env.step([0, 1])[0] == 1


def test_ships_that_touch_are_told_apart():
    touching = np.zeros((4, 4), int)
    touching[1, 0:2] = touching[2, 1:4] = 1
    begin(touching)
    in_line = np.zeros((5, 5), int)
    in_line[:, 2] = 1  # 2 and 3 in one column
    begin(in_line, board_size=5)
    # Greedily taking the longest ship from the first square would fail here.
    tee = np.array([[1, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    begin(tee)
