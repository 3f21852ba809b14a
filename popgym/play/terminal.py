"""Single keys and a full screen in a terminal, which is restored afterwards."""

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
"""Keys other than characters and arrows; END is Ctrl-D or a closed terminal."""
_ALIASES = {"\r": ENTER, "\x7f": BACKSPACE, "\x04": END}
_ARROWS = {"A": UP, "B": DOWN, "C": RIGHT, "D": LEFT}
_ESCAPE = "\x1b"
_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?]*|O)([A-Za-z~])")  # ECMA-48, and application mode
_BEGUN = re.compile(r"\x1b(?:\[[0-9;?]*|O)?")
_ESCAPE_WAIT = 0.05  # s; an escape that nothing follows by then is the key Esc
# the alternate screen, without cursor
_SHOW, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"


def can_read_keys(source: TextIO, screen: TextIO) -> bool:
    """Return whether the streams are a terminal that can deliver single keys."""
    able = termios is not None and os.environ.get("TERM", "dumb") != "dumb"
    return able and source.isatty() and screen.isatty()


class Terminal:
    """Context manager in which ``read`` returns single keys and ``show`` fills the screen.

    Keys are not echoed. The terminal's settings and screen are restored however the context ends:
    normally, by an exception, Ctrl-C, a hangup or SIGTERM. They are also restored while the
    process is stopped by Ctrl-Z.

    Args:
        source: The stream to read keys from, a terminal.
        screen: The stream to write to, a terminal.
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
        # a second Ctrl-C must not interrupt the restoring
        on_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._give_back()
        for number, handler in (*self._handlers.items(), (signal.SIGINT, on_interrupt)):
            signal.signal(number, handler)

    def _take(self) -> None:
        tty.setcbreak(self._source, termios.TCSADRAIN)  # keeps what was typed ahead
        self._write(_SHOW)

    def _give_back(self) -> None:
        with contextlib.suppress(termios.error, OSError):  # the terminal may be closed
            termios.tcsetattr(self._source, termios.TCSADRAIN, self._settings)
            self._write(_LEAVE)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Stop the process at Ctrl-Z, and show the same screen again when it continues."""
        self._give_back()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._stop)  # the process continues here
        self._take()
        self.show(self._text)

    def show(self, text: str) -> None:
        """Replace the content of the screen."""
        self._text = text
        lines = "".join(f"{line}\x1b[K\n" for line in text.split("\n"))
        self._write(f"\x1b[H{lines}\x1b[J")

    def _write(self, text: str) -> None:
        self._screen.write(text)
        self._screen.flush()

    def read(self) -> str:
        """Wait for a key, and return it: a character, an arrow, ENTER, BACKSPACE or END."""
        while True:
            key, self._typed = first_key(self._typed)
            if key is not None:
                return key
            if self._typed == _ESCAPE and not self._more_comes():
                self._typed = ""
            arrived = b""
            with contextlib.suppress(OSError):  # the terminal may be closed
                arrived = os.read(self._source, 1024)
            if not arrived:
                return END
            self._typed += self._decode(arrived)

    def _more_comes(self) -> bool:
        return bool(select.select([self._source], [], [], _ESCAPE_WAIT)[0])


def first_key(typed: str) -> tuple[str | None, str]:
    """Split the first key off the characters that a terminal sent.

    Keys that have no meaning here are skipped.

    Returns:
        The key, or None if it has not arrived completely; and the remaining characters.
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
