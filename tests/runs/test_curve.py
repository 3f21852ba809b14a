import pytest

from popgym.runs.curve import draw_curve
from tests.runs.specimens import row

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    "rows",
    [[], [row(1)], [row(1), row(2, return_mean=0.5)], [row(9999, return_mean=-3.0)]],
    ids=["none", "no episode", "one point", "millions of steps"],
)
def test_a_curve_is_drawn_from_any_number_of_rows(tmp_path, rows):
    draw_curve(tmp_path / "curve.png", rows, "title", {"random": -0.5, "perfect": 1.0})
    assert (tmp_path / "curve.png").read_bytes().startswith(PNG)
    assert [p.name for p in tmp_path.iterdir()] == ["curve.png"]


def test_rows_and_references_change_the_picture(tmp_path):
    pictures = []
    for rows, references in (
        ([row(1, return_mean=0.1)], None),
        ([row(1, return_mean=0.1), row(2, return_mean=0.9)], None),
        ([row(1, return_mean=0.1), row(2, return_mean=0.9)], {"perfect": 1.0}),
    ):
        draw_curve(tmp_path / "curve.png", rows, "title", references)
        pictures.append((tmp_path / "curve.png").read_bytes())
    assert len(set(pictures)) == 3
