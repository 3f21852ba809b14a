"""What a run is resumed from: the newest checkpoint whose files and settings are as written."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from popgym.runs.checkpoints import Checkpoint
from popgym.runs.folder import RunFolder
from popgym.runs.layout import CONFIG, PROGRESS
from popgym.runs.progress_file import rows_in
from popgym.runs.settings import Settings
from popgym.runs.upkeep import refuse_links, remove_half_written

CHANGEABLE = ("steps", "stop_at")
"""Settings that a resumed run may change."""


@dataclass(frozen=True)
class Start:
    """The checkpoint from which a run is resumed."""

    folder: RunFolder
    checkpoint: Checkpoint
    passed: dict[Path, str]
    """Newer checkpoints that are damaged, with what is wrong with each."""

    @classmethod
    def find(cls, folder: RunFolder, needed: tuple[str, ...]) -> Start:
        """Find and verify the checkpoint. Call it only while the run's lock is held.

        Args:
            folder: The run.
            needed: Files that a checkpoint must have.

        Raises:
            ValueError: If no checkpoint is sound, or config.json has other settings than it, or
                the run is not in its own folder.
        """
        refuse_links(folder.path)
        remove_half_written(folder.path)
        checkpoint, passed = folder.checkpoints.sound(needed)
        _refuse_other_settings(folder, checkpoint)
        return cls(folder, checkpoint, passed)

    def steps_made(self) -> int:
        """Return the steps in progress.csv, or at the checkpoint if it has more."""
        rows = [*self.folder.rows(), *rows_in(self.checkpoint.progress() or "")]
        return max((row["steps"] for row in rows), default=0)

    def rewind(self) -> None:
        """Take the folder back to the checkpoint, and warn of all that was not as written."""
        for path, damage in self.passed.items():
            aside = self.folder.checkpoints.set_aside(path)
            warnings.warn(
                f"{path} is damaged ({damage}): it is renamed to {aside.name}, and the run goes on "
                f"from {self.checkpoint.path.name}",
                stacklevel=2,
            )
        if not self.checkpoint.verifiable:
            warnings.warn(
                f"{self.checkpoint.path} was written by an earlier version of popgym, without a "
                "manifest: its files are there, but cannot be verified",
                stacklevel=2,
            )
        self._rewind_rows()

    def _rewind_rows(self) -> None:
        iteration, saved = self.checkpoint.iteration, self.checkpoint.progress()
        if saved is not None:
            difference = self.folder.restore_rows(iteration, saved)
            remedy = f"the rows up to iteration {iteration} are restored from the checkpoint"
        else:
            difference = _gaps(self.folder, iteration)
            remedy = "the checkpoint, of an earlier version of popgym, has no copy of them"
            self.folder.keep_rows(iteration)
        if difference:
            warnings.warn(f"{self.folder.path / PROGRESS} {difference}: {remedy}", stacklevel=3)


def _gaps(folder: RunFolder, iteration: int) -> str:
    """Say how the rows up to an iteration are not one for each; "" if they are."""
    found = [row["iteration"] for row in folder.rows() if row["iteration"] <= iteration]
    if len(set(found)) < len(found):
        return "has rows twice, of which one is kept"
    return f"lacks {iteration - len(found)} rows" if len(found) < iteration else ""


def _refuse_other_settings(folder: RunFolder, checkpoint: Checkpoint) -> None:
    """Check that config.json has the settings of the checkpoint, except those that may change."""
    saved = checkpoint.settings()
    if saved is None:  # of an earlier version
        return
    differences = _differences(folder.settings, saved)
    if differences:
        raise ValueError(
            f"{checkpoint.path} belongs to another configuration than {folder.path / CONFIG}: "
            f"{'; '.join(differences)}; to resume, copy the checkpoint's {CONFIG} over it; to "
            "train with other settings, begin another run"
        )


def _differences(now: Settings, saved: Settings) -> list[str]:
    """Name the settings that differ and may not, with both values."""
    values, before = now.as_dict(), saved.as_dict()
    return [
        f"{name} is {_inside(values[name], before[name])} there and "
        f"{_inside(before[name], values[name])} in the checkpoint"
        for name in values
        if name not in CHANGEABLE and values[name] != before[name]
    ]


def _inside(value: Any, other: Any) -> Any:
    """Return a value for a message; of a table, the entries that another does not have."""
    if isinstance(value, dict) and isinstance(other, dict):
        return {k: v for k, v in value.items() if k not in other or other[k] != v}
    return repr(value)
