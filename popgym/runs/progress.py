"""Displays the progress of training: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol, TextIO

import numpy as np

from popgym.runs.output import Forgiving

QUIET_SECONDS = 5.0  # least time between two plain lines
TREND_ROWS = 10  # number of last rows from which the trend is computed


class Progress(Protocol):
    """A display of progress, used as a context manager."""

    def __enter__(self) -> Progress:
        """Start the display."""

    def __exit__(self, *error: object) -> None:
        """End the display, also after an error."""

    def update(self, row: Mapping[str, Any]) -> None:
        """Show a new row of progress.csv."""


def progress_display(total: int, done: int = 0, stream: TextIO | None = None) -> Progress:
    """Return a live bar for a terminal, and plain lines for any other stream.

    Args:
        total: Total number of environment steps of the run.
        done: Number of steps already made, if the run is resumed.
        stream: Where to write. None means standard error.
    """
    out: Any = stream or Forgiving(sys.stderr)
    return _Live(total, done, out) if out.isatty() else _Lines(total, done, out)


class _Figures:
    """Computes speed, trend and time left from the rows so far."""

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
            "left": f"{duration(left)} left",
        }


def trend(returns: list[float]) -> str:
    """Return an arrow that shows whether the returns rise or fall.

    It is level if the change is small compared to the noise between rows.
    """
    recent = np.array(returns[-TREND_ROWS:])
    if len(recent) < 3:
        return " "
    t = np.arange(len(recent))
    slope, level = np.polyfit(t, recent, 1)
    noise = np.std(recent - (slope * t + level)) / np.sqrt(len(recent)) + 1e-3
    change = slope * (len(recent) - 1)
    return "↗" if change > 2 * noise else "↘" if change < -2 * noise else "→"


def duration(seconds: float) -> str:
    """Return seconds as h:mm:ss, or m:ss below an hour."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class _Live:
    """A progress bar that is redrawn in place, made with rich."""

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
    """Plain lines at intervals of some seconds, for logs and pipes."""

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
