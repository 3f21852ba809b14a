import json
import math

import pytest

from popgym.pages.markup import Cell, Column, breakable, escape, script_json, table, tag
from tests.pages.parsing import Page

EVIL = "</script><script>alert('x')</script><!--"


def test_only_markup_is_left_unescaped():
    inner = tag("b", "<i>")
    assert inner == "<b>&lt;i&gt;</b>"
    assert tag("p", inner, " & ", 3, class_="a", data_key='"', title=None) == (
        '<p class="a" data-key="&quot;"><b>&lt;i&gt;</b> &amp; 3</p>'
    )
    assert escape(str(inner)) == "&lt;b&gt;&amp;lt;i&amp;gt;&lt;/b&gt;"


def test_json_in_a_script_cannot_end_it():
    text = script_json("data", {"a": EVIL, "b": [float("nan"), (1.5,)]})
    inside = text.removeprefix('<script type="application/json" id="data">').removesuffix(
        "</script>"
    )
    assert "<" not in inside
    assert json.loads(inside) == {"a": EVIL, "b": [None, [1.5]]}


def test_a_name_may_break_between_its_parts():
    assert breakable("RepeatFirst/a<b") == "Repeat<wbr>First/<wbr>a&lt;b"


def made(tmp_path, rows, **options):
    columns = [Column("Name", order="ascending"), Column("Score", "number", "what it means")]
    path = tmp_path / "table.html"
    path.write_text(table("Caption", columns, rows, name="t", **options))
    return Page(path)


def test_the_first_cell_of_a_row_is_its_header(tmp_path):
    page = made(tmp_path, [[Cell(EVIL), Cell("1.50", 1.5, "number", "raw")]])
    assert page.open == []
    assert page.tables["t"] == [["Name", "Score"], [EVIL, "1.50"]]
    assert ("th", {"scope": "row"}) in page.tags
    assert ("td", {"class": "number", "data-key": "1.5", "title": "raw"}) in page.tags


def test_headings_can_be_pressed_only_if_the_table_can_be_sorted(tmp_path):
    rows = [[Cell("a"), Cell("–", math.nan)]]
    page = made(tmp_path, rows)
    orders = [attributes.get("aria-sort") for name, attributes in page.tags if name == "th"]
    assert orders == ["ascending", "none", None]
    assert ("td", {"data-key": ""}) in page.tags  # unknown values have an empty key
    assert [name for name, _ in page.tags].count("button") == 2
    page = made(tmp_path, rows, sortable=False)
    assert not [a for name, a in page.tags if name == "button" or "aria-sort" in a]


@pytest.mark.parametrize(("rows", "kind"), [(25, "scroll"), (26, "scroll tall-table")])
def test_a_long_table_scrolls_under_its_header(tmp_path, rows, kind):
    page = made(tmp_path, [[Cell(i), Cell(i)] for i in range(rows)])
    region = {"class": kind, "role": "region", "aria-label": "Caption", "tabindex": "0"}
    assert page.tags[0] == ("div", region)
