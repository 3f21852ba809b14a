"""Lets a function that reports now and then be run from one report to the next."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

Report = Callable[[Any], bool]
"""Takes a value, waits until the next one is asked for, and says whether to end instead."""


class Paced:
    """Runs a function in a thread of its own, which waits at each of its reports.

    Args:
        work: Gets a ``Report`` to call.
    """

    def __init__(self, work: Callable[[Report], object]) -> None:
        self._work = work
        self._reports: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        self._go = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started = self._closed = False

    def next(self) -> Any:
        """Run the function to its next report.

        Returns:
            What it reports; None once it has returned.

        Raises:
            BaseException: What the function raises.
        """
        if not self._started:
            self._started = True
            self._thread.start()
        else:
            self._go.release()
        value, error = self._reports.get()
        if error is not None:
            raise error
        return value

    def close(self) -> None:
        """Tell the function to end at its next report, and wait until it has returned."""
        self._closed = True
        if self._started:
            self._go.release()
            self._thread.join()

    def _run(self) -> None:
        error = None
        try:
            self._work(self._report)
        except BaseException as caught:  # the caller of ``next`` gets it
            error = caught
        self._reports.put((None, error))

    def _report(self, value: Any) -> bool:
        if not self._closed:
            self._reports.put((value, None))
            self._go.acquire()
        return self._closed
