"""Parts of a memory's docstrings, for tables and pages."""

import inspect
import sys
from typing import Any, NamedTuple

from popgym.memory.base import Memory

_SECTIONS = ("Args:", "Attributes:", "Raises:", "Returns:")


class Docstring(NamedTuple):
    """The parts of a docstring in Google form."""

    text: str
    """The paragraphs outside its sections."""
    arguments: dict[str, str]
    """The entries of ``Args``: argument → meaning, on one line."""


def parse_docstring(docstring: str | None) -> Docstring:
    """Split a docstring in Google form into its text and the meanings of its arguments.

    A section begins at a line such as ``Args:`` and ends before the next line that is not
    indented. An entry is indented by 4 spaces, the lines that continue it by 8.
    """
    section, argument = "", ""
    text: list[str] = []
    arguments: dict[str, str] = {}
    for line in inspect.cleandoc(docstring or "").splitlines():
        if line in _SECTIONS:
            section = line
        elif line and not line.startswith(" "):
            section = ""
        if not section:
            text.append(line)
        elif section == "Args:" and line.startswith(" " * 8):
            arguments[argument] = f"{arguments.get(argument, '')} {line.strip()}".strip()
        elif section == "Args:" and line.startswith(" " * 4):
            argument, _, meaning = line.strip().partition(":")
            arguments[argument] = meaning.strip()
    known = {name: meaning for name, meaning in arguments.items() if name and meaning}
    return Docstring("\n".join(text).strip(), known)


def file_docstring(memory: type[Memory]) -> str:
    """Return the docstring of the file that defines a memory; empty if there is none."""
    return inspect.cleandoc(sys.modules[memory.__module__].__doc__ or "")


def exposition(memory: type[Memory]) -> str:
    """Return the beginning of the docstring of a memory's file: name, formulas and symbols.

    Formulas are indented. The exposition ends before the first paragraph after a formula that
    begins with a capital letter; a paragraph such as "where P is ..." belongs to the formula.
    Without a formula it is the first paragraph.
    """
    paragraphs, after_formula = file_docstring(memory).split("\n\n"), False
    for index, paragraph in enumerate(paragraphs):
        if after_formula and paragraph[:1].isupper():
            return "\n\n".join(paragraphs[:index])
        after_formula = after_formula or paragraph.startswith(" ")
    return "\n\n".join(paragraphs if after_formula else paragraphs[:1])


def summary(memory: type[Memory]) -> str:
    """Return the docstring of a memory's class without its arguments and errors."""
    return parse_docstring(_own_docstring(memory)).text


def option_meanings(memory: type[Memory]) -> dict[str, str]:
    """Return the meaning of each argument of a memory's class, inherited ones included."""
    meanings: dict[str, str] = {}
    for described in reversed(memory.__mro__):
        meanings |= parse_docstring(_own_docstring(described)).arguments
    return meanings


def shown(default: Any) -> str:
    """Return an option's default as it is written in code; a float with at most 4 digits."""
    return f"{default:.4g}" if isinstance(default, float) else repr(default)


def _own_docstring(described: type) -> str | None:
    """The docstring of a class, not one that it inherits."""
    return vars(described).get("__doc__")
