"""A terminal that gives single keys and shows one screen; as it was before when one leaves it."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import select
import signal
import sys
from types import FrameType
from typing import Any, TextIO

from popgym.play.controls import DOWN, LEFT, RIGHT, UP

try:
    import termios
    import tty
except ModuleNotFoundError:  # Windows
    termios = tty = None  # type: ignore[assignment]

ENTER, BACKSPACE, END = "\n", "\b", ""
"""Keys beside characters and arrows; END is Ctrl-D or a terminal gone."""
_ALIASES = {"\r": ENTER, "\x7f": BACKSPACE, "\x04": END}
_ARROWS = {"A": UP, "B": DOWN, "C": RIGHT, "D": LEFT}
_ESCAPE = "\x1b"
_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?]*|O)([A-Za-z~])")  # ECMA-48, and application mode
_BEGUN = re.compile(r"\x1b(?:\[[0-9;?]*|O)?")
_ESCAPE_WAIT = 0.05  # s, after which an escape was a key by itself
_SHOW, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"  # another screen, without cursor


def can_read_keys(source: TextIO, screen: TextIO) -> bool:
    """Whether these are a terminal that single keys can be read from."""
    able = termios is not None and os.environ.get("TERM", "dumb") != "dumb"
    return able and source.isatty() and screen.isatty()


class Terminal:
    """Within this context keys come one by one and unseen, and `show` fills a screen.

    The terminal's settings and screen come back however the context is left: by an exception,
    Ctrl-C, a hangup or SIGTERM, and for as long as the process is stopped by Ctrl-Z.

    Args:
        source: Where keys come from, a terminal.
        screen: What is written to, a terminal.
    """

    def __init__(self, source: TextIO, screen: TextIO) -> None:
        self._source, self._screen = source.fileno(), screen
        self._typed, self._text = "", ""
        self._decode = codecs.getincrementaldecoder("utf-8")("ignore").decode
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Terminal:
        self._settings = termios.tcgetattr(self._source)
        ends = {signal.SIGTERM: _end, signal.SIGHUP: _end, signal.SIGTSTP: self._stop}
        self._handlers = {number: signal.signal(number, ends[number]) for number in ends}
        try:
            self._take()
        except BaseException:  # Ctrl-C
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        on_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would hurt
        self._give_back()
        for number, handler in (*self._handlers.items(), (signal.SIGINT, on_interrupt)):
            signal.signal(number, handler)

    def _take(self) -> None:
        tty.setcbreak(self._source, termios.TCSADRAIN)  # without losing what was typed ahead
        self._write(_SHOW)

    def _give_back(self) -> None:
        with contextlib.suppress(termios.error, OSError):  # the terminal may be gone
            termios.tcsetattr(self._source, termios.TCSADRAIN, self._settings)
            self._write(_LEAVE)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-Z: stops as any program does, and comes back to the same screen."""
        self._give_back()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._stop)  # the process goes on from here
        self._take()
        self.show(self._text)

    def show(self, text: str) -> None:
        """Replaces what is on the screen."""
        self._text = text
        lines = "".join(f"{line}\x1b[K\n" for line in text.split("\n"))
        self._write(f"\x1b[H{lines}\x1b[J")

    def _write(self, text: str) -> None:
        self._screen.write(text)
        self._screen.flush()

    def read(self) -> str:
        """Waits for a key: a character, an arrow, ENTER, BACKSPACE or END."""
        while True:
            key, self._typed = first_key(self._typed)
            if key is not None:
                return key
            if self._typed == _ESCAPE and not self._more_comes():
                self._typed = ""
            arrived = b""
            with contextlib.suppress(OSError):  # the terminal may be gone
                arrived = os.read(self._source, 1024)
            if not arrived:
                return END
            self._typed += self._decode(arrived)

    def _more_comes(self) -> bool:
        return bool(select.select([self._source], [], [], _ESCAPE_WAIT)[0])


def first_key(typed: str) -> tuple[str | None, str]:
    """Takes the first key from what a terminal sent.

    Returns:
        The key, or None if it has not arrived wholly, and what comes after it. Keys without a
        meaning here are left out.
    """
    while typed:
        found = _SEQUENCE.match(typed)
        if not found and typed[0] != _ESCAPE:
            return _ALIASES.get(typed[0], typed[0]), typed[1:]
        if not found and _BEGUN.fullmatch(typed):
            return None, typed
        typed = typed[found.end() if found else 1 :]
        if found and found[1] in _ARROWS:
            return _ARROWS[found[1]], typed
    return None, typed


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
