import numpy as np
import pytest

from popgym.envs.pictures.heading import MARGIN, progress
from popgym.render.canvas import Canvas
from popgym.render.palette import BLUE


@pytest.mark.parametrize("done, share", [(0, 0), (25, 0.25), (100, 1)])
def test_the_bar_is_as_long_as_the_part_that_is_done(done, share):
    canvas = Canvas(400, 100)
    progress(canvas, "step", done, 100, "a note")
    columns = np.flatnonzero((canvas.array() == BLUE).all(axis=2).any(axis=0))
    assert len(columns) == pytest.approx(share * (400 - 2 * MARGIN), abs=2)
