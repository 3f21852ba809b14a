"""Printing: results go to standard output, messages to standard error."""

from __future__ import annotations

import logging
import re
import shutil
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


class Status:
    """Says what a long command is doing.

    In a terminal each line replaces the one before. Elsewhere only the first of lines that begin
    alike is printed, such as of "effect of the past, episode 1 of 32" and so on.
    """

    def __init__(self) -> None:
        self._begin, self._shown = "", False

    def __call__(self, text: str) -> None:
        """Say what is being done now."""
        begin = re.split("[,:]", text)[0]
        if sys.stderr.isatty():
            self.clear()
            width = shutil.get_terminal_size().columns - 1
            print(f"popgym: {text} …"[:width], end="", file=sys.stderr, flush=True)
            self._shown = True
        elif begin != self._begin:
            say(f"{begin} …")
        self._begin = begin

    def clear(self) -> None:
        """Remove the line from the terminal."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._shown = False


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
