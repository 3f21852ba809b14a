"""Lets a training iteration finish before Ctrl-C or SIGTERM ends the run."""

from __future__ import annotations

import signal
import threading
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """A context in which the first signal only sets ``came``, and the second one raises.

    So the current training iteration can finish after the first signal. Outside the main thread,
    where Python allows no signal handlers, nothing changes.

    Raises:
        KeyboardInterrupt: At the second signal.
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
