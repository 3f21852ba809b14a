"""What a memory's docstrings say of it, taken apart for tables and pages."""

import inspect
import re
import sys
from typing import Any

from popgym.memory.base import Memory


def file_docstring(memory: type[Memory]) -> str:
    """Return what a memory's file says of it; nothing if it says nothing."""
    return _docstring(sys.modules[memory.__module__])


def exposition(memory: type[Memory]) -> str:
    """Return how a memory's file begins: what it is, its formula, and what the letters stand for.

    These are its docstring's paragraphs up to the first one after a formula, which is indented,
    that begins a new sentence.
    """
    paragraphs, told = file_docstring(memory).split("\n\n"), False
    for index, paragraph in enumerate(paragraphs):
        if told and paragraph[:1].isupper():
            return "\n\n".join(paragraphs[:index])
        told = told or paragraph.startswith(" ")
    return "\n\n".join(paragraphs if told else paragraphs[:1])


def summary(memory: type[Memory]) -> str:
    """Return what a memory's class says of itself, without its arguments and errors."""
    return re.split(r"\n+(?:Args|Raises|Attributes):\n", _docstring(memory))[0]


def option_meanings(memory: type[Memory]) -> dict[str, str]:
    """Return what each argument of a memory's class means, by name."""
    meanings: dict[str, str] = {}
    for described in reversed(memory.__mro__):
        meanings |= _arguments(_docstring(described))
    return meanings


def shown(default: Any) -> str:
    """Return an option's default as one would write it, a long fraction shortened."""
    return f"{default:.4g}" if isinstance(default, float) else repr(default)


def _docstring(described: object) -> str:
    """Its own: a class without one does not speak as its parent does."""
    return inspect.cleandoc(vars(described).get("__doc__") or "")


def _arguments(text: str) -> dict[str, str]:
    """Name → meaning, from a docstring's ``Args``."""
    found = re.search(r"^Args:\n((?: +.*\n?)*)", text, re.MULTILINE)
    items = re.split(r"^ {4}(?=\S)", found.group(1), flags=re.MULTILINE)[1:] if found else []
    pairs = (item.partition(": ") for item in items)
    return {name: " ".join(meaning.split()) for name, _, meaning in pairs if meaning}
