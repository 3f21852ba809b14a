"""What the pictures of boards, mazes, control tasks and arms show, read from their pixels."""

import math

import numpy as np
import pytest

import popgym.envs
from popgym.envs.cartpole import TRACK, on_track
from popgym.envs.pendulum import HINGE
from popgym.envs.pictures.boards import Board
from popgym.render.palette import (
    BLUE,
    GREEN,
    INK,
    LILAC,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    WHITE,
    YELLOW,
)

SHIPS = np.zeros((8, 8), int)
SHIPS[0, :2] = SHIPS[2, :3] = SHIPS[4, :3] = SHIPS[6, :4] = 1
WALLS = np.ones((5, 5), int)
WALLS[1:4, 1] = WALLS[3, 2:4] = 0


def begin(name, **hidden):
    env = popgym.envs.find(name).env_class()
    env.reset(seed=0, options={"hidden": hidden})
    return env


def places(picture, color):
    """The rows and columns of the pixels of a colour."""
    return np.argwhere((picture == color).all(axis=2)).T


def on_square(picture, board, y, x):
    """The colour of a square, near its upper left corner."""
    left, top = board.corner(y, x)
    return tuple(picture[int(top + 0.2 * board.side), int(left + 0.2 * board.side)].tolist())


def test_only_the_last_shot_is_on_the_board_until_all_is_revealed():
    env, board = begin("BattleshipEasy", ships=SHIPS), Board(8, 8)
    for square in [(6, 3), (7, 7), (0, 0)]:
        env.step(square)
    open_, revealed = env.picture(), env.picture(reveal=True)
    seen = {(y, x): on_square(open_, board, y, x) for y, x in np.ndindex(8, 8)}
    assert seen.pop((0, 0)) == RED and set(seen.values()) == {SKY}
    for y, x in np.ndindex(8, 8):
        hit = (y, x) in [(0, 0), (6, 3)]
        expected = RED if hit else PURPLE if SHIPS[y, x] else SKY
        assert on_square(revealed, board, y, x) == expected
    env.step((7, 7))
    assert on_square(env.picture(), board, 7, 7) == SKY


def test_only_the_square_just_uncovered_is_open_until_all_is_revealed():
    mines = np.zeros((4, 4), int)
    mines[3, 2:] = 1
    env, board = begin("MineSweeperEasy", mines=mines), Board(4, 4)
    env.step((0, 0)), env.step((1, 1))
    seen = [on_square(env.picture(), board, y, x) for y, x in np.ndindex(4, 4)]
    assert seen.count(BLUE) == 15 and seen[5] == WHITE
    revealed = [on_square(env.picture(reveal=True), board, y, x) for y, x in np.ndindex(4, 4)]
    assert [revealed.count(c) for c in (BLUE, WHITE, LILAC)] == [12, 2, 2]
    env.step((3, 2))
    assert on_square(env.picture(), board, 3, 2) == RED


def test_a_number_is_written_on_the_square_that_told_it():
    """One mine around and two differ; the same number on the same square does not."""
    pictures = []
    for places_ in ([(0, 0), (3, 3)], [(0, 0), (0, 1)], [(2, 2), (3, 3)]):
        mines = np.zeros((4, 4), int)
        mines[tuple(np.transpose(places_))] = 1
        env = begin("MineSweeperEasy", mines=mines)
        env.step((1, 1))
        pictures.append(env.picture())
    assert (pictures[0] != pictures[1]).any() and (pictures[0] == pictures[2]).all()


@pytest.mark.parametrize("family", ["LabyrinthEscape", "LabyrinthExplore"])
def test_nine_squares_of_a_maze_are_seen_and_all_of_it_if_revealed(family, uncompiled):
    env = popgym.envs.find(family).env_class(maze_dims=(4, 4), centered_view=True)
    env.reset(options={"hidden": {"walls": WALLS, "start": (0, 1), "goal": (4, 3)}})
    env.step(3)
    near, whole = Board(3, 3, gap=0), Board(5, 5, gap=0)
    seen = [[on_square(env.picture(), near, y, x) for x in range(3)] for y in range(3)]
    assert seen == [[INK, GREEN, INK], [INK, WHITE, INK], [INK, WHITE, INK]]
    ys, xs = places(env.picture(), ORANGE)
    assert (xs.mean(), ys.mean()) == pytest.approx(near.middle(1, 1), abs=1)
    revealed = env.picture(reveal=True)
    ys, xs = places(revealed, ORANGE)
    assert (xs.mean(), ys.mean()) == pytest.approx(whole.middle(1, 1), abs=1)
    assert on_square(revealed, whole, 0, 1) == SKY
    goal = YELLOW if family == "LabyrinthEscape" else INK
    assert on_square(revealed, whole, 4, 3) == goal


def cart_and_pole(picture):
    """Where the cart's middle is, and how far the pole leans [rad]."""
    xs = places(picture[TRACK - 30 : TRACK - 15], INK)[1]
    pole_ys, pole_xs = places(picture[60 : TRACK - 50], ORANGE)
    slope = np.polyfit(pole_ys, pole_xs, 1)[0]
    return (xs.min() + xs.max() + 1) / 2, -math.atan(slope)


@pytest.mark.parametrize("x, angle", [(0.0, 0.0), (-1.5, 0.15), (2.0, -0.2)])
def test_cart_and_pole_are_where_they_are(x, angle):
    env = begin("PositionOnlyCartPoleEasy", physics=[x, 1.0, angle, -1.0])
    place, lean = cart_and_pole(env.picture())
    assert place == pytest.approx(on_track(x), abs=1) and lean == pytest.approx(angle, abs=0.02)
    assert places(env.picture(), PURPLE).size == 0
    assert places(env.picture(reveal=True), PURPLE).size > 0


def test_a_noisy_cart_is_where_it_was_observed_and_the_true_one_behind_it_if_revealed():
    env = popgym.envs.find("NoisyPositionOnlyCartPoleEasy").env_class(noise_sigma=0.2)
    (x, angle), _ = env.reset(seed=7, options={"hidden": {"physics": [-1.5, 0, 0, 0]}})
    place, lean = cart_and_pole(env.picture())
    assert abs(x + 1.5) > 0.05
    assert place == pytest.approx(on_track(x), abs=1) and lean == pytest.approx(angle, abs=0.02)
    assert places(env.picture(), LILAC).size == 0
    assert places(env.picture(reveal=True), LILAC).size > 0


def test_speeds_are_shown_without_the_cart():
    env = begin("VelocityOnlyCartPoleEasyV1", physics=[1, 0.6, 0, -1.2])
    twin = begin("VelocityOnlyCartPoleEasyV1", physics=[-2, 0.6, 0.1, -1.2])
    bars = env.picture()
    np.testing.assert_array_equal(bars, twin.picture())
    cart, pole = (places(bars[y : y + 20], BLUE)[1] for y in (125, 225))
    assert cart.min() >= 240 and pole.max() <= 240
    assert len(np.unique(pole)) == pytest.approx(2 * len(np.unique(cart)), abs=4)
    shown = popgym.envs.VelocityOnlyCartPoleEasy()
    shown.reset(options={"hidden": {"physics": [1, 0.6, 0, -1.2]}})
    assert cart_and_pole(shown.picture())[0] == pytest.approx(on_track(1), abs=1)


@pytest.mark.parametrize("angle", [0.0, 1.0, -2.0, math.pi])
def test_the_rod_points_where_the_pendulum_is(angle):
    env = begin("PositionOnlyPendulumEasy", physics=[angle, 3.0])
    ys, xs = places(env.picture(), ORANGE)
    across, up = xs.mean() + 0.5 - HINGE[0], HINGE[1] - ys.mean() - 0.5
    assert math.cos(math.atan2(-across, up) - angle) > 0.999
    assert places(env.picture(), PURPLE).size == 0
    assert places(env.picture(reveal=True), PURPLE).size > 0


def test_a_noisy_rod_is_where_it_was_observed():
    env = popgym.envs.find("NoisyPositionOnlyPendulumHard").env_class()
    (cos, sin), _ = env.reset(seed=0, options={"hidden": {"physics": [1.0, 0.0]}})
    ys, xs = places(env.picture(), ORANGE)
    across, up = xs.mean() + 0.5 - HINGE[0], HINGE[1] - ys.mean() - 0.5
    assert math.atan2(-across, up) == pytest.approx(math.atan2(sin, cos), abs=0.03)
    assert places(env.picture(reveal=True), LILAC).size > 0


def test_an_arm_pulled_is_marked_with_a_coin_if_it_paid(uncompiled):
    env = popgym.envs.MultiarmedBandit(num_bandits=4, episode_length=9)
    env.reset(options={"hidden": {"arms": [0, 1, 0, 1]}})
    assert places(env.picture(), YELLOW).size == 0
    env.step(3)
    paid = env.picture()
    env.step(2)
    missed = env.picture()
    assert places(paid, ORANGE).size > 0 and places(missed, ORANGE).size == 0
    assert places(paid, YELLOW)[1].min() > places(missed, YELLOW)[1].min()
    assert places(missed, LILAC).size == 0
    revealed = places(env.picture(reveal=True), LILAC)[1]
    assert len(np.unique(revealed)) == pytest.approx(2 * 440 / 5, rel=0.2)  # two arms, full
