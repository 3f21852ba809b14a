"""The frame of a page: one HTML file with its styles, scripts and data, which needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

from popgym.pages.markup import Html, script_json, tag

# With this the browser refuses to load anything from outside, whatever the page contains.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)
_NO_SCRIPT = tag("noscript", tag("p", "The figures need JavaScript; the tables do not."))


class Chapter(NamedTuple):
    """A section of the page."""

    name: str
    """Its anchor."""
    title: str
    content: Html

    @property
    def link(self) -> Html:
        """The link to it."""
        return tag("a", self.title, href=f"#{self.name}")

    @property
    def html(self) -> Html:
        """The section itself."""
        heading = tag("h2", self.title, id=f"{self.name}-title")
        return tag(
            "section", heading, self.content, id=self.name, aria_labelledby=f"{self.name}-title"
        )


def page(
    title: str,
    head: Html,
    chapters: Sequence[Chapter],
    data: Mapping[str, Any],
    *,
    styles: Sequence[Html] = (),
    scripts: Sequence[Html] = (),
) -> str:
    """Return a whole page.

    Args:
        title: The heading.
        head: What follows the heading.
        chapters: The sections, at least one.
        data: What the scripts read; ``figures`` as in ``popgym.pages.figures``.
        styles: More style sheets, after the common one.
        scripts: More scripts, after the common ones.
    """
    from plotly.offline import get_plotlyjs

    inside = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        *(tag("style", style) for style in (source(__package__, "page.css"), *styles)),
    ]
    first = chapters[0]
    common = [source(__package__, name) for name in ("tables.js", "figures.js")]
    body = [
        tag("a", f"Skip to the {_inside(first.title)}", href=f"#{first.name}", class_="skip"),
        tag("header", tag("h1", title), head),
        tag("nav", *(each.link for each in chapters), aria_label="Sections"),
        tag("main", *(each.html for each in chapters)),
        tag("p", id="said", class_="unseen", role="status"),
        script_json("data", data),
        *(tag("script", code) for code in (Html(get_plotlyjs()), *common, *scripts)),
    ]
    return f"<!doctype html>\n{tag('html', tag('head', *inside), tag('body', *body), lang='en')}\n"


def _inside(title: str) -> str:
    """Return a title as it is written inside a sentence."""
    return title[:1].lower() + title[1:]


def source(package: str, name: str) -> Html:
    """Return a style sheet or script that lies beside the modules of a package."""
    return Html(files(package).joinpath(name).read_text(encoding="utf-8"))


def figure(name: str, kind: str, text: str = "") -> Html:
    """Return the place of a figure, which a script draws.

    Args:
        name: The figure's name; its place is called ``NAME-plot``.
        kind: "tall", or "short" for one beside others.
        text: What it shows, for all readers and for those who do not see it.
    """
    plot = tag("div", id=f"{name}-plot", class_=f"plot {kind}", role="img",
               aria_describedby=f"{name}-text")  # fmt: skip
    return tag("figure", plot, _NO_SCRIPT, tag("figcaption", text, id=f"{name}-text"))
