from pathlib import Path

import pytest

from popgym.benchmark.report import write_figures
from tests.benchmark.synthetic import results

NAMES = ["aggregates", "heat_map", "profiles", "curves"]


def test_figures_are_png_files_as_wide_as_a_page(tmp_path):
    from PIL import Image

    paths = write_figures(results(["RepeatFirstEasy", "A-v0"], ["gru", "lru"], 2), tmp_path / "new")
    assert [path.name for path in paths] == [f"{name}.png" for name in NAMES]
    for path in paths:
        with Image.open(path) as image:
            assert image.width == 1350  # 6.75 inches at 200 dots
            assert image.convert("L").getextrema()[0] < 100  # something is drawn


def test_figures_in_svg_keep_names_as_text(tmp_path):
    made = results(["RepeatFirstEasy"], ["<b>$x$", "lru"], 2)
    paths = write_figures(made, tmp_path, "svg")
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("<?xml")
        assert "&lt;b&gt;$x$" in text


def test_figures_without_scores_are_left_out(tmp_path):
    made = results(["A-v0"], ["gru"], 1)
    assert [path.stem for path in write_figures(made, tmp_path)] == ["curves"]
    made.curves = made.curves.iloc[:0]
    assert write_figures(made, tmp_path) == []


def test_learning_curves_of_many_tasks_are_split_into_pages(tmp_path):
    made = results([f"T{i}-v0" for i in range(16)], ["gru"], 1, points=10)
    names = [Path(path).stem for path in write_figures(made, tmp_path)]
    assert names == ["curves_1", "curves_2"]


def test_an_unknown_form_is_refused(tmp_path):
    with pytest.raises(ValueError, match="pgn"):
        write_figures(results(["A-v0"], ["gru"], 1), tmp_path, "pgn")
