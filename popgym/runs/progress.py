"""What a person sees while a run trains: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol, TextIO

import numpy as np

QUIET_SECONDS = 5.0  # between two plain lines
TREND_ROWS = 10  # the recent past that the trend looks at


class Progress(Protocol):
    """A place that rows of progress go to, used as a context."""

    def __enter__(self) -> Progress:
        """Begins the display."""

    def __exit__(self, *error: object) -> None:
        """Ends it, also after an error."""

    def update(self, row: Mapping[str, Any]) -> None:
        """Shows a new row of progress.csv."""


def progress_display(total: int, done: int = 0, stream: TextIO | None = None) -> Progress:
    """The display that suits the stream, standard error by default.

    Args:
        total: environment steps of the whole run.
        done: steps already behind it, when it is resumed.
        stream: where it is shown.
    """
    stream = stream or sys.stderr
    return _Live(total, done, stream) if stream.isatty() else _Lines(total, done, stream)


class _Figures:
    """Speed, trend and time left, from the rows so far."""

    def __init__(self, total: int, done: int) -> None:
        self.total, self.first = total, done
        self.began = time.monotonic()
        self.returns: list[float] = []

    def add(self, row: Mapping[str, Any]) -> dict[str, str]:
        if row.get("return_mean") is not None:
            self.returns.append(row["return_mean"])
        steps = row["steps"]
        speed = (steps - self.first) / max(1e-9, time.monotonic() - self.began)
        left = max(0, self.total - steps) / max(1e-9, speed)
        return {
            "steps": f"{steps:,}/{self.total:,}",
            "speed": f"{speed:,.0f} steps/s",
            "return": f"return {self.returns[-1]:.3f} {trend(self.returns)}"
            if self.returns
            else "no episode yet",
            "left": f"{_duration(left)} left",
        }


def trend(returns: list[float]) -> str:
    """An arrow for the recent rise or fall, against the noise from row to row."""
    recent = np.array(returns[-TREND_ROWS:])
    if len(recent) < 3:
        return " "
    t = np.arange(len(recent))
    slope, level = np.polyfit(t, recent, 1)
    noise = np.std(recent - (slope * t + level)) / np.sqrt(len(recent)) + 1e-3
    change = slope * (len(recent) - 1)
    return "↗" if change > 2 * noise else "↘" if change < -2 * noise else "→"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class _Live:
    """A bar that redraws itself (rich)."""

    def __init__(self, total: int, done: int, stream: TextIO) -> None:
        from rich import progress
        from rich.console import Console

        self.figures = _Figures(total, done)
        column = progress.TextColumn
        self.bar = progress.Progress(
            progress.BarColumn(bar_width=24),
            progress.TaskProgressColumn(),
            *(column(f"{{task.fields[{name}]}}") for name in ("speed", "return", "left")),
            console=Console(file=stream),
        )
        self.task = self.bar.add_task("", total=total, completed=done, speed="", left="")
        self._show({"return": "starting"})

    def __enter__(self) -> _Live:
        self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()

    def update(self, row: Mapping[str, Any]) -> None:
        self._show(self.figures.add(row), completed=row["steps"])

    def _show(self, fields: dict[str, Any], **more: Any) -> None:
        self.bar.update(self.task, **more, **fields)


class _Lines:
    """A line now and then, for logs and pipes."""

    def __init__(self, total: int, done: int, stream: TextIO) -> None:
        self.figures, self.stream = _Figures(total, done), stream
        self.shown = -QUIET_SECONDS
        self.pending: str | None = None

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *error: object) -> None:
        if self.pending:
            print(self.pending, file=self.stream, flush=True)

    def update(self, row: Mapping[str, Any]) -> None:
        self.pending = "  ".join(self.figures.add(row).values())
        if time.monotonic() - self.shown >= QUIET_SECONDS:
            print(self.pending, file=self.stream, flush=True)
            self.shown, self.pending = time.monotonic(), None
