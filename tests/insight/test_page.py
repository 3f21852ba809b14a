"""The page, the figures and the numbers of inspections."""

import json
import re
from dataclasses import replace

import pytest

from popgym.insight.inspection import Checkpoint, inspect
from popgym.insight.page import write_page
from popgym.insight.summary import summary
from popgym.insight.writing import write_numbers
from tests.browsing import chromium, opening
from tests.insight.memories import policy_of

EVIL = "<script>alert('x')</script>"


@pytest.fixture(scope="module")
def found():
    """Two policies with random weights, the second with a name that looks like markup."""
    options = {"episodes": 4, "worth_episodes": 4, "max_steps": 30}
    one = inspect(policy_of("RepeatPreviousEasy"), "RepeatPreviousEasy", name="one", **options)
    one = replace(one, checkpoints=[Checkpoint(100, one)])
    other = policy_of("RepeatPreviousEasy", "mlp")
    return [one, inspect(other, "RepeatPreviousEasy", name=EVIL, **options)]


def test_the_numbers_are_json_without_nan_and_a_table(found, tmp_path):
    path = write_numbers(found[0], tmp_path / "new" / "folder")
    data = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert set(data["horizon"]) == {"steps", "interval", "share"}
    assert len(data["effect"]) == len(data["effect_interval"]) == 30
    assert 0 <= data["effect"][0] <= 1
    assert isinstance(data["worth_of_memory"], float)
    assert data["checkpoints"][0]["steps"] == 100
    assert data["schema"] == 1
    lines = (path.parent / "effect.csv").read_text().splitlines()
    assert len(lines) == 31
    assert lines[0].startswith("lag,variation,variation_low,variation_high,divergence,")
    assert float(lines[1].split(",")[1]) == data["effect"][0]


def test_the_page_has_all_sections_and_escapes_names(found, tmp_path):
    (path,) = write_page(found, tmp_path)
    text = path.read_text(encoding="utf-8")
    for section in (
        "summary",
        "effect",
        "heat",
        "worth",
        "probes",
        "saliency",
        "reach",
        "training",
    ):
        assert f'id="{section}"' in text
    assert EVIL not in text
    pictures = {path.name for path in tmp_path.glob("*.png")}
    assert {"effect.png", "worth.png", "training.png"} < pictures
    assert {path.stem for path in tmp_path.glob("*.svg")} == {name[:-4] for name in pictures}


def test_the_summary_says_the_main_numbers(found):
    text = summary(found[1])
    assert "memory horizon: 0 steps [0, 0]" in text
    assert re.search(r"memory earns -?0\.000 \[", text)
    assert "note: the policy has no memory" in text


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_browser_draws_every_figure_within_the_width(found, tmp_path, width, scheme):
    (path,) = write_page(found, tmp_path)
    with chromium() as browser, opening(browser) as show:
        page = show(path, width, scheme)
        drawn = page.locator(".plot .main-svg:first-child").count()
        assert drawn == page.locator(".plot").count() > 8
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator("#summary thead button", has_text="worth").click()
        assert page.locator("#said").inner_text() == "Sorted by worth, descending"
