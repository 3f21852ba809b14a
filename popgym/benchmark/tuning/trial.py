"""A trial of a search: an ordinary run folder, and what the search has decided about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from popgym.benchmark.store import DONE, Trial, run_of
from popgym.runs.files import write_text
from popgym.runs.progress_file import Row
from popgym.runs.settings import Settings

ENDED = "ended.json"


@dataclass(frozen=True)
class TuneTrial(Trial):
    """One training run of a search."""

    @property
    def number(self) -> int:
        """Its number, from 0."""
        return int(self.path.name)

    @property
    def name(self) -> str:
        """Its number as it is written in the folder."""
        return self.path.name

    @property
    def early_file(self) -> Path:
        """Where it is recorded that the trial ends before its last step."""
        return self.path.with_name(f"{self.path.name}.early.json")

    def status(self, evaluation: Mapping[str, Any] | None = None) -> str:
        """Return waiting, running, stopped (to be resumed), done or failed."""
        return DONE if (self.path / ENDED).exists() else self.status_before_end()

    def end_early(self, steps: int, score: float) -> None:
        """Record that the trial ends after so many steps."""
        data = {"steps": steps, "score": score}
        write_text(self.early_file, json.dumps(data) + "\n")

    def early(self) -> int | None:
        """Return after how many steps the trial ends early; None if it does not, as far as known.

        A damaged file counts as none: the trial then goes on to the next decision.
        """
        try:
            return int(json.loads(self.early_file.read_text(encoding="utf-8"))["steps"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def note_end(self) -> None:
        """Record that the trial has ended, and has saved what it has learned."""
        write_text(self.path / ENDED, json.dumps({"early": self.early() is not None}) + "\n")

    def known_settings(self) -> Settings:
        """Return the settings that the run folder records; those drawn if it has not begun."""
        try:
            run = run_of(self)
        except ValueError:  # damaged
            run = None
        return self.settings if run is None else run.settings

    def rows(self) -> list[Row]:
        """Return the rows of its progress.csv; none if it has not begun or is damaged."""
        try:
            run = run_of(self)
        except ValueError:
            return []
        return run.rows() if run is not None else []

    def kept_rows(self) -> list[Row]:
        """Return the rows that the trial keeps when it goes on: those up to its last checkpoint."""
        rows = self.rows()
        if self.status() == DONE or not rows:
            return rows
        run = run_of(self)
        saved = run.latest_checkpoint()[0] if run is not None and run.has_checkpoint else 0
        return [row for row in rows if row["iteration"] <= saved]
