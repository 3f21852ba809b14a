import math

import numpy as np
import pytest

from popgym.envs.pictures.controls import LONGEST, SIZE, arrow, gauge
from popgym.render.canvas import Canvas
from popgym.render.palette import BLUE, RED


def places(canvas, color):
    """The rows and columns of the pixels of a colour."""
    return np.argwhere((canvas.array() == color).all(axis=2)).T


@pytest.mark.parametrize(
    "angle, length, way",
    [
        (0, 60, (1, 0)),
        (0, -60, (-1, 0)),
        (math.pi / 2, 60, (0, -1)),
        (math.pi / 4, -60, (-0.71, 0.71)),
    ],
)
def test_an_arrow_points_where_it_is_told_to(angle, length, way):
    canvas = Canvas(*SIZE)
    arrow(canvas, 200, 150, angle, length, RED)
    ys, xs = places(canvas, RED)
    along = (xs - 200) * way[0] + (ys - 150) * way[1]
    across = (xs - 200) * way[1] - (ys - 150) * way[0]
    assert along.min() > -4 and along.max() == pytest.approx(60, abs=3)
    assert abs(across.mean()) < 1
    assert np.ptp(across[along > 45]) > 2 * np.ptp(across[along < 40])  # the head is in front


def test_an_arrow_has_a_greatest_length_and_a_very_short_one_is_left_out():
    canvas = Canvas(*SIZE)
    arrow(canvas, 100, 100, 0, 3, RED)
    assert places(canvas, RED).size == 0
    arrow(canvas, 100, 100, 0, 1e9, RED)
    assert places(canvas, RED)[1].max() == pytest.approx(100 + LONGEST, abs=3)


@pytest.mark.parametrize("value, left, right", [(1.5, 240, 340), (-3, 40, 240), (99, 240, 440)])
def test_a_gauge_reaches_from_the_middle_as_far_as_its_number(value, left, right):
    canvas = Canvas(*SIZE)
    gauge(canvas, 120, "speed", value, 3, f"{value} m/s")
    xs = places(canvas, BLUE)[1]
    assert (xs.min(), xs.max()) == pytest.approx((left, right), abs=3)


def test_a_gauge_of_zero_is_empty():
    canvas = Canvas(*SIZE)
    gauge(canvas, 120, "speed", 0.0, 3, "0 m/s")
    assert places(canvas, BLUE).size == 0
