"""Shapes, text and pictures, pixel by pixel where they have no slanting edges."""

import math
import subprocess
import sys

import numpy as np
import pytest

from popgym.core import Family
from popgym.render.canvas import Canvas, picture
from popgym.render.palette import BLUE, INK, PAPER, RED, WHITE


def where(canvas, color):
    """Which pixels have a colour, [H, W]."""
    return (canvas.array() == color).all(axis=2)


def box(mask):
    """The least box around the true pixels: x, y, width, height."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return columns[0], rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1


def test_an_empty_canvas_is_paper():
    array = Canvas(7, 5).array()
    assert array.shape == (5, 7, 3) and array.dtype == np.uint8 and (array == PAPER).all()


def test_a_rectangle_covers_just_its_pixels():
    canvas = Canvas(30, 20)
    canvas.rectangle(4, 3, 10, 6, RED)
    red = where(canvas, RED)
    assert box(red) == (4, 3, 10, 6) and red.sum() == 60


def test_an_outline_is_one_pixel_inside_the_shape():
    canvas = Canvas(30, 20)
    canvas.rectangle(4, 3, 10, 6, WHITE, INK)
    assert box(where(canvas, INK)) == (4, 3, 10, 6) and box(where(canvas, WHITE)) == (5, 4, 8, 4)
    canvas.rectangle(20, 3, 6, 6, None, RED)
    assert where(canvas, PAPER)[4:8, 21:25].all() and where(canvas, RED).sum() == 36 - 16


def test_rounded_corners_are_left_out():
    canvas = Canvas(40, 40)
    canvas.rectangle(5, 5, 30, 30, BLUE, radius=10)
    blue = where(canvas, BLUE)
    assert box(blue) == (5, 5, 30, 30) and not blue[5, 5] and blue[8, 8]
    assert blue.sum() == pytest.approx(900 - (4 - math.pi) * 100, abs=40)


@pytest.mark.parametrize("width, height", [(0, 5), (5, 0), (-1, 5)])
def test_a_rectangle_without_width_or_height_is_nothing(width, height):
    canvas = Canvas(20, 20)
    canvas.rectangle(5, 5, width, height, RED, INK, 3)
    assert where(canvas, PAPER).all()


def test_a_circle_is_round_around_its_centre():
    canvas = Canvas(60, 60)
    canvas.circle(30, 30, 20, RED)
    covered = ~where(canvas, PAPER)
    assert box(covered) == (10, 10, 40, 40)
    assert where(canvas, RED).sum() < 400 * math.pi < covered.sum()
    assert (covered == covered.T).all() and (covered == covered[::-1, ::-1]).all()


def test_a_line_has_its_width():
    canvas = Canvas(40, 20)
    canvas.line([(5, 10), (35, 10)], 4, INK)
    assert abs(where(canvas, INK)[:, 20].sum() - 4) <= 1
    canvas = Canvas(40, 40)
    canvas.line([(5, 5), (30, 5), (30, 35)], 2, INK)
    assert where(canvas, INK)[20, 29:31].any() and not where(canvas, INK)[20, :28].any()


def test_a_polygon_fills_its_area():
    canvas = Canvas(60, 60)
    canvas.polygon([(10, 10), (50, 10), (10, 50)], RED)
    red = where(canvas, RED)
    assert red[11:48, 10].all() and not red[40, 40]
    assert red.sum() == pytest.approx(800, abs=60)


def test_edges_between_pixels_are_smoothed():
    canvas = Canvas(20, 20)
    canvas.rectangle(5.5, 5, 5, 5, RED)
    mixed = canvas.array()[7, 5].astype(float)
    np.testing.assert_allclose(mixed, (np.array(RED) + PAPER) / 2, atol=1)


def test_what_lies_beyond_the_edges_is_cut_off():
    canvas = Canvas(20, 10)
    canvas.rectangle(-5, -5, 100, 100, RED)
    assert where(canvas, RED).all() and canvas.array().shape == (10, 20, 3)


def test_text_stands_where_its_anchor_says():
    def ink(anchor):
        canvas = Canvas(100, 60)
        canvas.text(50, 30, "card", 16, INK, anchor)
        return box(~where(canvas, PAPER))

    x, y, width, height = ink("mm")
    assert abs(x + width / 2 - 50) <= 1 and abs(y + height / 2 - 30) <= 3
    x, _, width, _ = ink("lm")
    assert 50 <= x <= 52
    x, _, width, _ = ink("rm")
    assert 48 <= x + width <= 50
    _, y, _, height = ink("ms")
    assert abs(y + height - 30) <= 1


def test_larger_text_is_larger():
    sizes = []
    for size in (10, 20):
        canvas = Canvas(100, 40)
        canvas.text(50, 20, "8", size, INK)
        sizes.append(box(~where(canvas, PAPER))[3])
    assert sizes[1] == pytest.approx(2 * sizes[0], abs=2)


def test_writing_to_the_array_leaves_the_canvas_as_it_is():
    canvas = Canvas(5, 5)
    canvas.array()[:] = 0
    assert where(canvas, PAPER).all()


@pytest.mark.parametrize("size", [(0, 10), (10, -1), (1.5, 10)])
def test_a_canvas_without_pixels_is_refused(size):
    with pytest.raises(ValueError, match="must be a whole number at least 1"):
        Canvas(*size)


def test_missing_pillow_is_said_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'popgym\[render\]'"):
        Canvas(10, 10)


def test_pillow_is_imported_only_to_draw():
    code = (
        "import sys; sys.modules['PIL'] = None; import popgym.render.canvas, popgym.envs as e; "
        "env = e.find('ConcentrationEasy').env_class(render_mode='ansi'); "
        "env.reset(seed=0); env.render()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr


def test_a_family_without_pictures_says_what_to_do():
    class Silent(Family):
        """Draws nothing."""

    with pytest.raises(NotImplementedError, match="Silent draws no pictures: give it"):
        picture(Silent(), None)


def test_a_family_paints_on_a_canvas_of_its_size():
    class Square(Family):
        """Draws a square."""

        picture_size = (30, 20)

        def paint(self, canvas, record, reveal=False):
            canvas.rectangle(record, 5, 10, 10, RED if reveal else BLUE)

    for reveal, color in ((False, BLUE), (True, RED)):
        array = picture(Square(), 8, reveal)
        assert array.shape == (20, 30, 3) and box((array == color).all(axis=2)) == (8, 5, 10, 10)
