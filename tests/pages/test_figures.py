"""Descriptions of figures, and saved ones."""

import numpy as np

from popgym.pages.figures import axis, described, heat, line
from popgym.pages.saving import save_figure
from popgym.runs.curve import new_figure


def test_a_figure_is_plain_data():
    traces = [line("a", [1, 2], np.array([3.0, 4.0]), [2, 3], [4, 5], series=1, points=True),
              heat([0], [0], np.ones((1, 1)), "bar", "%{z}")]  # fmt: skip
    made = described("name", traces, axis("x", type="log"), axis("y"), [(1.0, "floor")])
    assert made["traces"][0]["y"] == [3.0, 4.0]
    assert (made["traces"][0]["kind"], made["traces"][1]["kind"]) == ("points", "heat")
    assert made["traces"][1]["z"] == [[1.0]]
    assert made["x"] == {"title": "x", "more": {"type": "log"}}
    assert made["lines"] == [{"y": 1.0, "text": "floor", "side": "bottom"}]


def test_a_line_without_bounds_has_none():
    assert "low" not in line("a", [1], [2])


def test_svg_files_keep_text(tmp_path):
    figure = new_figure(2, 2, 50)
    figure.subplots().set_title("words")
    assert "words" in save_figure(figure, tmp_path / "a.svg", "svg").read_text()
