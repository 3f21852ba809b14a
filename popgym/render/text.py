"""Text on terminals: line wrapping, and the position of a board in a text picture."""

import os
import textwrap
from typing import NamedTuple, TextIO


class TextBoard(NamedTuple):
    """The positions of a board's squares in a text picture, where each row of squares is a line."""

    columns: int
    """The number of squares in a row."""
    left: int = 0
    """The number of characters before the first square of a row."""
    width: int = 1
    """The number of characters in a square."""
    stride: int = 2
    """The number of characters from the start of a square to the start of the next."""


GAP = "   "  # separates groups of words in a line
_TIED = "\u00a0"


def columns_of(stream: TextIO) -> int | None:
    """Return the width of a terminal in characters; None for a file or a pipe."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80 if stream.isatty() else None
    except (OSError, ValueError):  # closed, or a file in memory
        return None


def wrapped(text: str, columns: int | None) -> str:
    """Break lines that are longer than a width, between words.

    Groups of words that are separated by three spaces, such as a key with its meaning, are kept on
    one line if they fit.

    Args:
        text: The lines. The continuation of a line gets the same indentation.
        columns: The width in characters. None: the lines do not change.
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
    """Refill paragraphs to a width; indented ones, such as formulas, keep their line breaks."""
    if columns is None:
        return text
    paragraphs = (
        paragraph if paragraph.startswith(" ") else " ".join(paragraph.split())
        for paragraph in text.split("\n\n")
    )
    return wrapped("\n\n".join(paragraphs), columns)
