"""Writes the rows of a run for TensorBoard, whose trouble never ends the run."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.summary import scalar

_FLUSH_SECONDS = 10.0


class Events:
    """The file ``events.out.*`` of a run.

    tensorboardX's own ``SummaryWriter`` writes in a thread. If the disk is full, the thread ends,
    and the training process waits for it for ever. This one writes where it is called, and stops
    writing with a warning once it fails.

    Args:
        folder: The run folder.
        steps: The steps that were made before. TensorBoard drops what it has of later steps, which
            were made before a crash.
    """

    def __init__(self, folder: Path, steps: int) -> None:
        self.folder = folder
        self._writer: Any = None
        self._flushed = 0.0
        self._attempt(lambda: self._open(steps))

    def add_scalar(self, name: str, value: float, step: int) -> None:
        """Add a value."""
        self._attempt(lambda: self._write(Event(summary=scalar(name, value), step=step)))

    def close(self) -> None:
        """Write what is left, and close the file."""
        if self._writer is not None:
            self._attempt(self._writer.close)

    def _open(self, steps: int) -> None:
        self._writer = EventsWriter(str(self.folder / "events"))
        if steps:
            start = SessionLog(status=SessionLog.START)
            self._write(Event(step=steps + 1, file_version="brain.Event:2"))
            self._write(Event(step=steps + 1, session_log=start))

    def _write(self, event: Event) -> None:
        if self._writer is None:
            return
        now = event.wall_time = time.time()
        self._writer.write_event(event)
        if now - self._flushed >= _FLUSH_SECONDS:
            self._flushed = now
            self._writer.flush()

    def _attempt(self, write: Callable[[], Any]) -> None:
        try:
            write()
        except Exception as error:
            self._writer = None
            warnings.warn(
                f"{self.folder} gets no more events for TensorBoard ({error}); training goes on, "
                "and progress.csv has all rows",
                stacklevel=4,
            )
