import json

from popgym.pages.frame import Chapter, figure, page, source
from popgym.pages.markup import Html, tag
from tests.pages.parsing import Page

EVIL = "</script><script>alert('x')</script><!--"


def written(tmp_path, title="Title", data=None, **options):
    chapters = [Chapter("one", "First <part>", tag("p", EVIL)),
                Chapter("two", "Second", figure("f", "tall", "What it shows"))]  # fmt: skip
    path = tmp_path / "page.html"
    path.write_text(page(title, tag("p", "head"), chapters, data or {}, **options), "utf-8")
    return Page(path)


def test_sections_are_linked_and_labelled(tmp_path):
    made = written(tmp_path)
    assert made.open == []
    links = [attributes["href"] for name, attributes in made.tags if name == "a"]
    assert links == ["#one", "#one", "#two"]
    assert ("section", {"id": "two", "aria-labelledby": "two-title"}) in made.tags
    assert "Skip to the first <part> Title head" in made.text
    ids = [attributes["id"] for _, attributes in made.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_the_browser_is_told_to_load_nothing(tmp_path):
    made = written(tmp_path)
    policy = next(a for name, a in made.tags if name == "meta" and "http-equiv" in a)
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert policy["content"].startswith("default-src 'none';")
    assert not [a for _, a in made.tags if {"src", "srcset"} & set(a)]
    assert "link" not in [name for name, _ in made.tags]


def test_strings_stay_text(tmp_path):
    made = written(tmp_path, title=EVIL, data={"a": EVIL})
    assert [name for name, _ in made.tags].count("script") == 4  # the data, plotly and two of ours
    assert made.text.count(EVIL) == 3  # title, heading and section
    assert json.loads(made.data) == {"a": EVIL}


def test_styles_and_scripts_of_a_page_follow_the_common_ones(tmp_path):
    written(tmp_path, styles=[Html("p { color: red }")], scripts=[Html("let mine = 1;")])
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.endswith("<script>let mine = 1;</script></body></html>\n")
    common = source("popgym.pages", "page.css")
    assert f"<style>{common}</style><style>p {{ color: red }}</style></head>" in text
    assert text.index('id="data"') < text.index(source("popgym.pages", "figures.js"))


def test_a_figure_has_a_text_for_all_readers(tmp_path):
    made = written(tmp_path)
    plot = {"id": "f-plot", "class": "plot tall", "role": "img", "aria-describedby": "f-text"}
    assert ("div", plot) in made.tags
    assert ("figcaption", {"id": "f-text"}) in made.tags
    assert "What it shows" in made.text
