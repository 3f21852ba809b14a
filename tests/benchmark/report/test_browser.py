"""The page in a browser: Debian's Chromium, driven by Playwright's Python package.

Install them with ``apt-get install chromium`` and ``pip install playwright``.
"""

import os
import re
from pathlib import Path

import pytest

from popgym.benchmark.report import write_page
from tests.benchmark.synthetic import results

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
TASKS = ["RepeatFirstEasy", "RepeatPreviousMedium", "AutoencodeEasy", "Mine-v0"]
MEMORIES = ["gru", "<script>alert(1)</script>", "lru"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("pip install playwright")
    if not CHROMIUM.exists():
        _missing("apt-get install chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)


def _missing(command):
    text = f"this test needs a browser: {command}"
    if "POPGYM_BROWSER_TESTS" in os.environ:
        pytest.fail(text)
    pytest.skip(text)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    made = results(TASKS, MEMORIES, 3, failed=1)
    return write_page(made, tmp_path_factory.mktemp("report") / "page.html")


@pytest.fixture
def show(browser):
    """Opens a page, and at the end requires that it neither complained nor asked for anything."""
    complaints, requests, contexts = [], [], []

    def show(path, width=1280, scheme="light"):
        contexts.append(
            browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        )
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("#seconds-plot .main-svg")
        return page

    yield show
    for context in contexts:
        context.close()
    assert complaints == []
    assert requests and all(re.match("(file|data|blob):", url) for url in requests)


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


def test_columns_are_sorted_by_click_and_by_keyboard(show, path):
    page = show(path)
    heading = page.locator("#ranking thead th", has_text="IQM")
    before = first_cells(page, "ranking")
    assert heading.get_attribute("aria-sort") == "descending"
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert first_cells(page, "ranking") == before[::-1]
    name = page.locator("#ranking thead th").first
    name.locator("button").focus()
    page.keyboard.press("Enter")
    assert name.get_attribute("aria-sort") == "ascending"
    assert heading.get_attribute("aria-sort") == "none"
    assert first_cells(page, "ranking") == sorted(before)
    assert page.locator("#said").inner_text() == "Sorted by Memory, ascending"


def test_unknown_values_are_last_in_both_directions(show, path):
    page = show(path)
    button = page.locator("#score-table thead th", has_text="Ceiling").locator("button")
    for _ in range(2):
        button.click()
        assert first_cells(page, "score-table")[-1] == "Mine-v0"


def test_a_memory_is_switched_off_in_the_legend_and_by_its_button(show, path):
    page = show(path)
    assert len(shown(page, "curve")) == 3
    page.locator("#curve-plot .legendtoggle").first.click()
    page.wait_for_function("document.getElementById('curve-plot').data[0].visible !== true")
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
