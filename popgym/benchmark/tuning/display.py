"""Shows how far a search is."""

from __future__ import annotations

from typing import Any

from popgym.benchmark.display import Display
from popgym.benchmark.store import DONE, RUNNING
from popgym.runs.progress import duration


class TuneDisplay(Display):
    """Progress of the trials of a search."""

    def _steps_left(self) -> int:
        """Return the most steps that are left; a trial that ended early needs no more."""
        known = ((trial, self._known[trial.name]) for trial in self.trials)
        return sum(
            max(0, trial.settings.steps - steps)
            for trial, (status, steps, _) in known
            if status != DONE
        )

    def _left(self) -> str:
        """Return the most time that is left: some trials will end early."""
        speed = self._speed()
        if not speed:
            return "time left unknown"
        return f"at most {duration(self._steps_left() / speed)} left"

    def _table(self) -> Any:
        from rich.table import Table

        table = Table(title=self.summary(), title_justify="left")
        for name in ("trial", "status", "steps", "mean return"):
            table.add_column(name)
        room = max(3, self._live.console.height - 6)
        for name, (status, steps, mean) in sorted(self._known.items(), key=_first)[:room]:
            table.add_row(name, status, f"{steps:,}", "" if mean is None else f"{mean:.3f}")
        return table


def _first(item: tuple[str, tuple[str, int, float | None]]) -> tuple[bool, bool, float]:
    """Sort running trials first, and then the best."""
    _, (status, _, mean) = item
    return status != RUNNING, mean is None, -(mean or 0.0)
