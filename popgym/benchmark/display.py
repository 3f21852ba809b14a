"""Shows how far a benchmark is: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, TextIO

from popgym.benchmark.store import DONE, FAILED, RUNNING, Trial, run_of
from popgym.runs.progress import duration

_LIVE_SECONDS, _LINE_SECONDS = 2.0, 30.0  # least time between two looks


class Display:
    """Progress of a list of trials.

    Args:
        trials: All trials of the benchmark.
        stream: Where to write. None means standard error.
    """

    def __init__(self, trials: Sequence[Trial], stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.trials = trials
        self._known: dict[str, tuple[str, int, float | None]] = {}  # status, steps, mean return
        self._began, self._looked = time.monotonic(), -1e9
        self._first: int | None = None  # steps that had been made before
        self._live: Any = None
        if self.stream.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(file=self.stream), auto_refresh=False)

    def __enter__(self) -> Display:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, text: str) -> None:
        """Write a line."""
        if self._live is not None:
            self._live.console.print(text)
        else:
            print(text, file=self.stream, flush=True)

    def update(self, *, now: bool = False) -> None:
        """Look at the trials and show them, if enough time has passed or ``now``."""
        pause = _LINE_SECONDS if self._live is None else _LIVE_SECONDS
        if not now and time.monotonic() - self._looked < pause:
            return
        self._looked = time.monotonic()
        self._look()
        if self._live is None:
            self.say(self.summary())
        else:
            self._live.update(self._table(), refresh=True)

    def _look(self) -> None:
        for trial in self.trials:
            if self._known.get(trial.name, ("",))[0] != DONE:
                self._known[trial.name] = _look_at(trial)
        if self._first is None:
            self._first = self._steps()

    def _steps(self) -> int:
        return sum(steps for _, steps, _ in self._known.values())

    def summary(self) -> str:
        """Return the numbers of trials in each status, and the time left, in one line."""
        counts = Counter(status for status, _, _ in self._known.values())
        told = [f"{counts[each]} {each}" for each in (RUNNING, FAILED) if counts[each]]
        return ", ".join([f"{counts[DONE]} of {len(self.trials)} trials done", *told, self._left()])

    def _left(self) -> str:
        """Return the time left, from the steps since the start of this process."""
        whole = sum(trial.settings.steps for trial in self.trials)
        speed = self._speed()
        if not speed:
            return "time left unknown"
        return f"about {duration(max(0.0, (whole - self._steps()) / speed))} left"

    def _speed(self) -> float:
        """Return the steps a second since the start of this process."""
        made = self._steps() - (self._first or 0)
        return made / max(1e-9, time.monotonic() - self._began)

    def _table(self) -> Any:
        from rich.table import Table

        table = Table(title=self.summary(), title_justify="left")
        for name in ("task", "memory", "done", "running", "failed", "best mean return"):
            table.add_column(name)
        groups: dict[tuple[str, str], list[tuple[str, int, float | None]]] = {}
        for trial in self.trials:
            groups.setdefault((trial.task, trial.label), []).append(self._known[trial.name])
        for (task, label), known in self._most_active(groups):
            table.add_row(task, label, *_cells(known))
        return table

    def _most_active(self, groups: dict[Any, Any]) -> list[Any]:
        """Return as many groups as the terminal has lines for: those that run first."""
        room = max(3, self._live.console.height - 6)
        order = sorted(groups.items(), key=lambda item: -sum(k[0] == RUNNING for k in item[1]))
        return order[:room]


def _look_at(trial: Trial) -> tuple[str, int, float | None]:
    """Return the status of a trial, its steps, and its last mean return."""
    status = trial.status()
    rows = _rows(trial)
    means = [row["return_mean"] for row in rows if row.get("return_mean") is not None]
    return status, rows[-1]["steps"] if rows else 0, means[-1] if means else None


def _rows(trial: Trial) -> list[dict[str, Any]]:
    try:
        run = run_of(trial)
    except ValueError:  # damaged, or a trial that failed has just removed its folder
        return []
    return run.rows() if run is not None else []


def _cells(known: Sequence[tuple[str, int, float | None]]) -> list[str]:
    counts = Counter(status for status, _, _ in known)
    best = max((mean for _, _, mean in known if mean is not None), default=None)
    numbers = [str(counts[each] or "") for each in (RUNNING, FAILED)]
    return [f"{counts[DONE]} of {len(known)}", *numbers, "" if best is None else f"{best:.3f}"]
