import numpy as np
import pytest

from popgym.envs.pictures.boards import SIZE, Board
from popgym.render.canvas import Canvas
from popgym.render.palette import GREY, PAPER, RED, SKY, YELLOW

SHAPES = [(1, 1), (3, 3), (2, 9), (12, 12), (19, 19), (5, 100)]


def count(canvas, color):
    return (canvas.array() == color).all(axis=2).sum()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("gap", [0, 1])
def test_each_square_has_its_colour_in_its_own_place(shape, gap):
    canvas, board = Canvas(*SIZE), Board(*shape, gap)
    colors = np.random.default_rng(0).integers(0, 256, (*shape, 3))
    for y, x in np.ndindex(shape):
        board.square(canvas, y, x, tuple(colors[y, x].tolist()))
    picture = canvas.array()
    for y, x in np.ndindex(shape):
        column, row = board.middle(y, x)
        assert picture[int(row), int(column)].tolist() == colors[y, x].tolist()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_board_lies_inside_the_picture_below_its_heading(shape):
    board = Board(*shape)
    (left, top), (right, bottom) = board.corner(0, 0), board.corner(*shape)
    assert 20 < left < right < SIZE[0] - 20 and 70 < top < bottom < SIZE[1]
    assert right - left == pytest.approx(shape[1] * board.side)


def test_squares_without_a_gap_touch_and_others_do_not():
    inner = {}
    for gap in (0, 1):
        canvas, board = Canvas(*SIZE), Board(1, 2, gap)
        for x in range(2):
            board.square(canvas, 0, x, SKY)
        left, top = board.corner(0, 1)
        inner[gap] = canvas.array()[int(top) + 20, int(left) - 1].tolist()
    assert inner[0] == list(SKY) != inner[1]


def test_squares_are_numbered_where_there_is_room_to_read():
    canvas = Canvas(*SIZE)
    Board(60, 60).number(canvas)
    assert (canvas.array() == PAPER).all()
    board = Board(4, 6)
    board.number(canvas)
    left, top = board.corner(0, 0)
    dark = np.argwhere((canvas.array() != PAPER).any(axis=2))
    assert len(dark) > 0 and ((dark[:, 0] < top) | (dark[:, 1] < left)).all()


def test_a_frame_goes_around_its_square_alone():
    canvas, board = Canvas(*SIZE), Board(5, 5)
    board.frame(canvas, 2, 3)
    ys, xs = np.argwhere((canvas.array() == YELLOW).all(axis=2)).T
    assert (ys.mean(), xs.mean()) == pytest.approx(board.middle(2, 3)[::-1], abs=1)
    assert np.ptp(ys) == pytest.approx(board.side, abs=8)


def test_discs_crosses_and_marks_lie_on_their_square():
    board = Board(3, 3)
    for draw in (
        lambda c: board.disc(c, 1, 2, 0.5, RED),
        lambda c: board.cross(c, 1, 2, RED),
        lambda c: board.square(c, 1, 2, SKY, "8", RED),
    ):
        canvas = Canvas(*SIZE)
        draw(canvas)
        ys, xs = np.argwhere((canvas.array() == RED).all(axis=2)).T
        (left, top), (right, bottom) = board.corner(1, 2), board.corner(2, 3)
        assert left < xs.min() < xs.max() < right and top < ys.min() < ys.max() < bottom


def test_an_edge_surrounds_the_board():
    canvas, board = Canvas(*SIZE), Board(2, 3)
    board.edge(canvas)
    assert count(canvas, GREY) == pytest.approx(2 * 5 * board.side, rel=0.05)
