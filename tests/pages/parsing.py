"""Reads pages as a browser would."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """What a browser would find in a page: texts, tables as rows of texts, and the data."""

    def __init__(self, path):
        super().__init__()
        self.tables, self.texts, self.data, self.open, self.tags = {}, [], "", [], []
        self.feed(path.read_text(encoding="utf-8"))
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, name, attributes):
        self.tags.append((name, dict(attributes)))
        self.open.append((name, dict(attributes)))
        if name == "table":
            self.table = self.tables.setdefault(dict(attributes)["id"], [])
        if name == "tr":
            self.table.append([])
        if name in ("td", "th"):
            self.table[-1].append("")
        if name in ("meta", "input", "br", "wbr"):
            self.open.pop()

    def handle_endtag(self, name):
        assert self.open.pop()[0] == name, f"{name} is closed at {self.getpos()}"

    def handle_data(self, data):
        name, attributes = self.open[-1] if self.open else ("", {})
        if attributes.get("id") == "data":
            self.data += data
        elif name not in ("script", "style"):
            self.texts.append(data)
            if any(each in ("td", "th") for each, _ in self.open):
                self.table[-1][-1] += data
