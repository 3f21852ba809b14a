"""Printing: results go to standard output, messages to standard error."""

from __future__ import annotations

import logging
import sys


def say(text: str) -> None:
    """Print a message to standard error, in one line unless the terminal is too narrow."""
    from popgym.render.text import columns_of, wrapped

    line = wrapped(f"popgym: {text}", columns_of(sys.stderr))
    print(line, file=sys.stderr, flush=True)


def print_wrapped(text: str) -> None:
    """Print a result; lines that are too long for the terminal are broken between words."""
    from popgym.render.text import columns_of, wrapped

    print(wrapped(text, columns_of(sys.stdout)))


def say_before_import(module: str, what: str) -> None:
    """Print what takes seconds now, unless the module has already been imported."""
    if module not in sys.modules:
        say(f"{what} …")


class Log(logging.Handler):
    """Logging handler that prints the package's log messages, such as about compilation."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print the message of a log record."""
        say(record.getMessage())


def listen() -> None:
    """Print the package's log messages from now on."""
    logger = logging.getLogger("popgym")
    logger.setLevel(logging.INFO)
    if not any(isinstance(handler, Log) for handler in logger.handlers):
        logger.addHandler(Log())
