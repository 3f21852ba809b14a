import pytest

from popgym.runs import curve
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


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draws a curve and returns its axes."""

    def draw(rows, title="title", references=None):
        figures, new_figure = [], curve.new_figure
        with monkeypatch.context() as patch:
            patch.setattr(
                curve,
                "new_figure",
                lambda *a, **k: figures.append(new_figure(*a, **k)) or figures[0],
            )
            draw_curve(tmp_path / "curve.png", rows, title, references)
        return figures[0].axes[0]

    return draw


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_an_empty_curve_says_so(drawn):
    assert texts(drawn([])) == ["no episode has ended yet"]
    axes = drawn([row(1), row(2)])
    assert texts(axes) == ["no episode ended in 256 steps"]
    assert axes.get_xlim() == (0, 256)
    assert list(axes.get_yticks()) == []


def test_the_axes_have_units(drawn):
    axes = drawn([row(1, return_mean=0.5)])
    assert axes.get_xlabel() == "environment steps"
    assert axes.get_ylabel() == "mean episode return (sum of rewards)"


def test_numbers_of_steps_are_short(drawn):
    label = drawn([row(1, return_mean=0.5)]).xaxis.get_major_formatter()
    assert [label(x) for x in (0, 128, 1500, 2e6)] == ["0", "128", "1.5 k", "2 M"]


def test_a_title_is_shown_as_it_is(drawn):
    assert drawn([], "a $b$ _c_").get_title("left") == "a $b$ _c_"
