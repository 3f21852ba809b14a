"""Text on terminals: lines broken between words, and where a board lies in a text picture."""

import os
import textwrap
from typing import NamedTuple, TextIO


class TextBoard(NamedTuple):
    """Where the squares that actions name are in a text picture, each row of them in a line."""

    columns: int
    """How many squares a row has."""
    left: int = 0
    """How many characters stand before a row's first square."""
    width: int = 1
    """How many characters a square has."""
    stride: int = 2
    """How many characters lie from the beginning of a square to that of the next."""


GAP = "   "  # between things in one line that belong less together than their words
_TIED = "\u00a0"


def columns_of(stream: TextIO) -> int | None:
    """Return the width of a terminal; None for a file or a pipe, which have none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80 if stream.isatty() else None
    except (OSError, ValueError):  # closed, or a file in memory
        return None


def wrapped(text: str, columns: int | None) -> str:
    """Break lines that are longer than a width, between words.

    What three spaces set apart, such as a key with its meaning, stays together where it fits.

    Args:
        text: lines; how far they are indented, their continuations are too.
        columns: the width; None: lines stay as they are.
    """
    if columns is None:
        return text
    return "\n".join(_wrapped_line(line, columns) for line in text.split("\n"))


def _wrapped_line(line: str, columns: int) -> str:
    if len(line) <= columns:
        return line
    words = line.lstrip(" ")
    margin = " " * (len(line) - len(words))
    groups = [group.strip() for group in words.split(GAP) if group.strip()]
    room = columns - len(margin)
    if len(groups) > 1:
        words = GAP.join(g.replace(" ", _TIED) if len(g) <= room else g for g in groups)
    lines = textwrap.wrap(
        words,
        columns,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace(_TIED, " ")


def refilled(text: str, columns: int | None) -> str:
    """Fill paragraphs anew; those that are indented, such as formulas, keep their lines."""
    if columns is None:
        return text
    paragraphs = (
        paragraph if paragraph.startswith(" ") else " ".join(paragraph.split())
        for paragraph in text.split("\n\n")
    )
    return wrapped("\n\n".join(paragraphs), columns)
