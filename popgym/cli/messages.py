"""What the command prints: results, and on standard error what is to be said beside them."""

from __future__ import annotations

import logging
import sys


def say(text: str) -> None:
    """Prints a message, in one line unless a terminal is too narrow for it."""
    from popgym.render.text import columns_of, wrapped

    line = wrapped(f"popgym: {text}", columns_of(sys.stderr))
    print(line, file=sys.stderr, flush=True)


def print_wrapped(text: str) -> None:
    """Prints a result, with lines that a terminal is too narrow for broken between words."""
    from popgym.render.text import columns_of, wrapped

    print(wrapped(text, columns_of(sys.stdout)))


def say_before_import(module: str, what: str) -> None:
    """Says what takes seconds, unless the module is there already."""
    if module not in sys.modules:
        say(f"{what} …")


class Log(logging.Handler):
    """Says what the package logs, such as that rules are being compiled."""

    def emit(self, record: logging.LogRecord) -> None:
        """Says a record's message."""
        say(record.getMessage())


def listen() -> None:
    """Says from now on what the package logs."""
    logger = logging.getLogger("popgym")
    logger.setLevel(logging.INFO)
    if not any(isinstance(handler, Log) for handler in logger.handlers):
        logger.addHandler(Log())
