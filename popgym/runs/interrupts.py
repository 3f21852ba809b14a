"""Lets a training iteration finish before Ctrl-C, SIGTERM or SIGHUP ends the run."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from popgym.runs.output import Forgiving

_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Terminated(SystemExit):
    """Ends the process after SIGTERM or SIGHUP, with the status that shells report for it.

    Args:
        number: The number of the signal.
        advice: What the user can do now.
    """

    def __init__(self, number: int, advice: str | None = None) -> None:
        super().__init__(128 + number)
        self.message = f"ended by {signal.Signals(number).name}" + (f"; {advice}" if advice else "")


class Interrupts:
    """A context in which the first signal only sets ``came``, and the second one raises.

    So the current training iteration can finish after the first signal. At the end of the block,
    SIGTERM and SIGHUP are passed on to the handler that they had before. If they had none, they end
    the process. If they were ignored, as SIGHUP is under ``nohup``, they stay so. Outside the main
    thread, where Python allows no signal handlers, nothing changes.

    Args:
        message: What is said at the first signal. None: nothing.
        advice: What the user can do after ``Terminated``, if the first signal was the only one.

    Raises:
        KeyboardInterrupt: At the second signal.
        Terminated: At the end of the block, after SIGTERM or SIGHUP.
    """

    came: int | None = None
    """The number of the signal; None until there was one."""

    def __init__(self, message: str | None = None, advice: str | None = None) -> None:
        self._message, self._advice = message, advice

    def __enter__(self) -> Interrupts:
        self._old: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, *_ENDING):
                if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:
                    self._old[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
        if self.came is not None and self.came in _ENDING and kind in (None, KeyboardInterrupt):
            _pass_on(self.came, self._old[self.came], self._advice if kind is None else None)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.came:
            raise KeyboardInterrupt
        self.came = number
        if self._message is not None:
            with contextlib.suppress(RuntimeError):  # the signal came while something was printed
                print(f"popgym: {self._message}", file=Forgiving(sys.stderr), flush=True)


@contextlib.contextmanager
def children_survive_hangup() -> Iterator[None]:
    """Let the processes that are started in this block ignore SIGHUP.

    A terminal that is closed sends it to all processes. This one needs the others while it saves,
    and ends them itself.
    """
    number = getattr(signal, "SIGHUP", None)
    if number is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


def _pass_on(number: int, handler: Any, advice: str | None) -> None:
    """Call the user's handler of a signal, or end the process.

    Ray's handler, which would end the process with another status, is not called.
    """
    if not callable(handler) or getattr(handler, "__module__", "").startswith("ray."):
        raise Terminated(number, advice)
    handler(number, None)
