"""Ctrl-C and SIGTERM that wait for a good moment."""

from __future__ import annotations

import signal
import threading
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Within this context the first signal only sets ``came``; the second raises at once.

    So a training iteration can end before the run does. Outside the main thread, where Python
    allows no handlers, signals keep their meaning.

    Raises:
        KeyboardInterrupt: at the second signal.
    """

    came = False

    def __enter__(self) -> Interrupts:
        self._old = {}
        if threading.current_thread() is threading.main_thread():
            self._old = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.came:
            raise KeyboardInterrupt
        self.came = True
