"""The page in a browser."""

import re

import pytest

from popgym.benchmark.report import write_page
from tests.benchmark.synthetic import results
from tests.browsing import chromium, opening

TASKS = ["RepeatFirstEasy", "RepeatPreviousMedium", "AutoencodeEasy", "Mine-v0"]
MEMORIES = ["gru", "<script>alert(1)</script>", "lru"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    made = results(TASKS, MEMORIES, 3, failed=1)
    return write_page(made, tmp_path_factory.mktemp("report") / "page.html")


@pytest.fixture
def show(browser):
    with opening(browser) as show:
        yield lambda *args, **more: show(*args, **{"wait_for": "#seconds-plot .main-svg", **more})


def first_cells(page, table):
    return page.locator(f"#{table} tbody tr > :first-child").all_inner_texts()


def shown(page, figure):
    """The memories whose lines a figure draws."""
    return page.evaluate(
        """(id) => document.getElementById(id).data
            .filter((trace) => trace.visible === true && trace.fill !== "toself")
            .map((trace) => trace.name)""",
        f"{figure}-plot",
    )


def test_a_memory_is_switched_off_in_the_legend_and_by_its_button(show, path):
    page = show(path)
    assert len(shown(page, "curve")) == 3
    page.locator("#curve-plot .legendtoggle").first.click()
    page.wait_for_function("() => document.getElementById('curve-plot').data[0].visible !== true")
    assert shown(page, "curve") == ["&lt;script&gt;alert(1)&lt;/script&gt;", "lru"]
    assert shown(page, "profile") == shown(page, "curve")
    chip = page.locator("#curves .chips button", has_text="gru")
    assert chip.get_attribute("aria-pressed") == "false"
    chip.focus()
    page.keyboard.press("Enter")
    assert "gru" in shown(page, "curve")
    assert chip.get_attribute("aria-pressed") == "true"


def test_a_name_that_looks_like_markup_is_shown_as_text(show, path):
    page = show(path)
    assert MEMORIES[1] in page.locator("#curve-plot .legend").text_content()
    assert MEMORIES[1] in page.locator("#curves .chips").inner_text()
    assert MEMORIES[1] in first_cells(page, "ranking")


def test_the_learning_curve_follows_the_task_and_the_axis(show, path):
    page = show(path)
    page.select_option("#task", label="AutoencodeEasy")
    assert page.locator("#curve-text").inner_text().startswith("AutoencodeEasy, against steps")
    page.locator("input[value=seconds]").check()
    label = page.locator("#curve-plot").get_attribute("aria-label")
    assert label.startswith("AutoencodeEasy, against training time")
    page.locator("#multiples button").nth(1).click()
    assert page.locator("#task").input_value() == "1"
    page.locator("#bands").uncheck()
    assert page.evaluate("document.getElementById('curve-plot').data.length") == 3


def test_rows_are_filtered(show, path):
    page = show(path)
    page.locator("#filter").fill("autoencode gru")
    assert page.locator("#score-table tbody tr:visible").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 360])
def test_the_page_fits_the_window(show, path, width, scheme, tmp_path):
    page = show(path, width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", background)[:3])) / 3
    assert (brightness > 128) == (scheme == "light")


def test_tables_are_sorted_in_time_and_long_ones_are_cut_at_first(show, tmp_path):
    tasks = [f"T{i}-v0" for i in range(48)]
    made = results(["RepeatFirstEasy", *tasks], [f"m{i}" for i in range(16)], 1, points=12)
    page = show(write_page(made, tmp_path / "page.html"))
    # The fastest of the clicks, because others may have waited for other programs.
    assert min(milliseconds_of_sorting(page, "ranking")) < 100
    assert min(milliseconds_of_sorting(page, "score-table")) < 300
    rows = page.locator("#score-table tbody tr")
    assert (rows.count(), page.locator("#score-table tbody tr:visible").count()) == (784, 100)
    page.locator(".more").click()
    assert page.locator("#score-table tbody tr:visible").count() == 784


def milliseconds_of_sorting(page, table):
    return page.evaluate(
        """(id) => [...document.querySelectorAll(`#${id} thead button`)].map((button) => {
            const start = performance.now();
            button.click();
            button.getBoundingClientRect(); // the browser lays the table out
            return performance.now() - start;
        })""",
        table,
    )


def test_paper_is_printed_in_light_colours(show, path, tmp_path):
    page = show(path, scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    background = page.evaluate(
        "getComputedStyle(document.querySelector('section')).backgroundColor"
    )
    assert background == "rgb(255, 255, 255)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.pdf()[:4] == b"%PDF"
