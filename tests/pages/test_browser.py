"""A page of tables and listed figures in a browser; it has no script of its own."""

import re

import numpy as np
import pytest

from popgym.pages.figures import axis, described, heat, line
from popgym.pages.frame import Chapter, figure, page
from popgym.pages.markup import Cell, Column, join, table, tag
from tests.browsing import chromium, opening

EVIL = "<b>x</b> & <script>alert(1)</script>"
NAN = float("nan")
SHORT = ["points", "heat", "alone"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def show(browser):
    with opening(browser) as show:
        # Figures are drawn one after another in the order of the data.
        yield lambda *args, **more: show(*args, **{"wait_for": "#alone-plot .main-svg", **more})


def figures():
    x, y = [0, 1, 2, 3, 4], [1.0, 2.0, NAN, 4.0, 5.0]
    low, high = [0.0, 1.0, NAN, 3.0, 4.0], [2.0, 3.0, NAN, 5.0, 6.0]
    lines = [line(EVIL, x, y, low, high), line("other", x, x, series=11)]
    points = line("p", [1, 2, 4], [1.0, 2.0, 4.0], [0.5, NAN, 3.5], [1.5, NAN, 5.0], points=True,
                  hover="%{y:.1f} cleared every %{x} steps")  # fmt: skip
    shade = heat([0, 1], [0, 1], np.eye(2), EVIL, "%{z}")
    yield described("lines", lines, axis(EVIL), axis("value"), [(3.0, "floor")])
    yield described("points", [points], axis("n", type="log"), axis("return"))
    yield described("heat", [shade], axis("from"), axis("to"))
    yield described("alone", [line("only", x, x)], axis("x"), axis("y"))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    rows = [[Cell(name), Cell(str(key), key, "number")]
            for name, key in (("c", 10.0), ("b", 2.0), ("a", NAN))]  # fmt: skip
    columns = [Column("Name"), Column("Score", "number", order="descending")]
    shown = table("Rows", columns, rows, name="rows")
    beside = tag("div", *(figure(name, "short", f"Text of {name}") for name in SHORT),
                 class_="three")  # fmt: skip
    plots = join([figure("lines", "tall", EVIL), beside])
    chapters = [Chapter("tables", "Tables", shown), Chapter("figures", "Figures", plots)]
    path = tmp_path_factory.mktemp("pages") / "page.html"
    head = tag("p", "What was found", class_="verdict")
    path.write_text(page("Title", head, chapters, {"figures": list(figures())}), "utf-8")
    return path


def drawn(page, name):
    """The traces of a figure as plotly has them."""
    return page.evaluate("(id) => document.getElementById(id).data", f"{name}-plot")


def style(page, name):
    code = "(name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()"
    return page.evaluate(code, name)


def names(page):
    return page.locator("#rows tbody th").all_inner_texts()


# ---- figures


def test_figures_are_in_the_colours_of_the_page_and_follow_them(show, path):
    page = show(path)
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        expected = style(page, "--colour-0")
        page.wait_for_function(
            "(c) => document.getElementById('alone-plot').data[0].line.color === c", arg=expected
        )
        bands = drawn(page, "lines")
        assert bands[-1]["line"] == {"color": style(page, "--colour-1"), "dash": "dash", "width": 2}
        assert drawn(page, "heat")[0]["colorscale"][0][1] == style(page, "--surface")
        ink = page.evaluate("document.getElementById('points-plot').layout.font.color")
        assert ink == style(page, "--ink")
        found.append((expected, ink))
    assert all(light != dark for light, dark in zip(*found, strict=True))


def test_a_band_is_interrupted_where_nothing_is_known(show, path):
    *bands, first, _ = drawn(show(path), "lines")
    assert [band["fill"] for band in bands] == ["toself", "toself"]
    assert [band["x"] for band in bands] == [[0, 1, 1, 0], [3, 4, 4, 3]]
    assert bands[1]["y"] == [5, 6, 4, 3]
    assert first["y"] == [1, 2, None, 4, 5]


def test_points_have_error_bars_where_bounds_are_known(show, path):
    (points,) = drawn(show(path), "points")
    assert points["mode"] == "lines+markers"
    assert points["error_y"]["array"] == [0.5, None, 1.0]
    assert points["error_y"]["arrayminus"] == [0.5, None, 0.5]


def test_the_key_switches_a_line_together_with_its_bands(show, path):
    page = show(path)
    assert page.locator("#alone-plot .legend").count() == 0
    assert page.locator("#lines-plot .scatterlayer .trace").count() == 4
    page.locator("#lines-plot .legendtoggle").first.click()
    page.wait_for_function(
        "() => document.querySelectorAll('#lines-plot .scatterlayer .trace').length === 1"
    )


def test_names_and_titles_that_look_like_markup_are_shown_as_text(show, path):
    page = show(path)
    assert EVIL in page.locator("#lines-plot .legend").text_content()
    assert page.locator("#lines-plot .xtitle").text_content() == EVIL
    assert EVIL in page.locator("#heat-plot .infolayer").text_content()
    assert page.locator("#lines-plot .annotation").text_content() == "floor"


def test_figures_are_named_by_their_texts(show, path):
    page = show(path)
    assert page.locator("#lines-plot").get_attribute("aria-label") == EVIL
    assert page.get_by_role("img", name="Text of points").count() == 1


def test_the_pointer_shows_a_value(show, path):
    page = show(path)
    page.locator("#points-plot").scroll_into_view_if_needed()
    box = page.locator("#points-plot .scatterlayer .point").nth(1).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("#points-plot .hovertext")
    assert "2.0 cleared every 2 steps" in page.locator("#points-plot .hovertext").text_content()


def test_figures_follow_the_width_of_the_window(show, path):
    page = show(path)
    page.set_viewport_size({"width": 500, "height": 900})
    page.wait_for_function(
        "() => document.querySelector('#lines-plot .main-svg').getBoundingClientRect().width < 500"
    )
    assert page.evaluate("document.documentElement.scrollWidth") == 500


# ---- the page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 360])
def test_the_page_fits_the_window(show, path, width, scheme):
    page = show(path, width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", background)[:3])) / 3
    assert (brightness > 128) == (scheme == "light")


def test_paper_has_light_colours_and_its_own_width(show, path):
    page = show(path, scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert style(page, "--surface") == "#ffffff"
    widths = "['lines', 'alone'].map((n) => document.getElementById(`${n}-plot`).layout.width)"
    assert page.evaluate(widths) == [640, 310]
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(widths) == [None, None]
    assert page.pdf()[:4] == b"%PDF"


def test_tables_are_sorted_by_click_and_by_keyboard(show, path):
    page = show(path)
    score = page.locator("#rows thead th", has_text="Score")
    assert score.get_attribute("aria-sort") == "descending"
    score.locator("button").click()
    assert score.get_attribute("aria-sort") == "ascending"
    assert names(page) == ["b", "c", "a"]  # unknown values are last in both directions
    score.locator("button").focus()
    page.keyboard.press("Enter")
    assert score.get_attribute("aria-sort") == "descending"
    assert names(page) == ["c", "b", "a"]
    assert page.locator("#said").inner_text() == "Sorted by Score, descending"
    page.locator("#rows thead th", has_text="Name").locator("button").press("Space")
    assert score.get_attribute("aria-sort") == "none"
    assert names(page) == ["a", "b", "c"]
