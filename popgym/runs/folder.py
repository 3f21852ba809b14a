"""The folder of a run: its settings, its progress, its checkpoints and the trained policy.

::

    config.json      the resolved settings, versions and the time of creation
    progress.csv     one row for each iteration
    events.out.*     the same for TensorBoard
    curve.png        the learning curve
    policy/          weights and description of the trained policy
    checkpoints/     RLlib's checkpoints, from which training is resumed
    snapshots/       policies kept during training, if the setting ``snapshots`` says so
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from popgym.runs.checkpoints import Checkpoint, Checkpoints
from popgym.runs.config_file import config_text, read_config, write_config
from popgym.runs.layout import (
    CHECKPOINTS,
    CONFIG,
    POLICY,
    PROGRESS,
    SNAPSHOTS,
    free_name,
    nearby,
)
from popgym.runs.progress_file import ProgressFile, Row
from popgym.runs.settings import Settings
from popgym.runs.snapshots import Snapshots, load_finite, store
from popgym.runs.storing import storing
from popgym.runs.trust import Trust, UntrustedError
from popgym.runs.upkeep import remove_start

if TYPE_CHECKING:  # a policy needs torch, a folder does not
    from popgym.runs.policy import Policy


LARGEST_CONFIG = 4 << 20
"""Bytes of the largest config.json that is read of a run that is not trusted."""


class RunFolder:
    """A run on disk.

    Files are replaced as a whole, and rows of progress.csv are appended one at a time. So a crash
    never leaves half a file behind.
    """

    def __init__(self, path: Path, settings: Settings, trust: bool = True) -> None:
        self.path, self.settings = path, settings
        self.trust = Trust(everything=trust, root=path, record=path / CONFIG)
        self.checkpoints = Checkpoints(path / CHECKPOINTS)
        self._snapshots = Snapshots(path / SNAPSHOTS)
        self._progress = ProgressFile(path / PROGRESS)
        self._made: list[Path] = []  # folders that ``create`` made, innermost first

    # ---- making and opening

    @classmethod
    def create(cls, settings: Settings, path: str | Path | None = None) -> RunFolder:
        """Create the folder of a new run.

        Args:
            settings: The run's settings.
            path: Where. None means ``runs/ENV-MEMORY-seedN``, with a number added if that exists.

        Raises:
            ValueError: If the folder cannot be written, or is not empty.
        """
        folder = _as_path(path) if path is not None else free_name(settings)
        run = cls(folder, settings)
        try:
            run._made = [each for each in (folder, *folder.parents) if not each.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise ValueError(f"{folder} is not empty: {_way_out(run)}")
            write_config(folder / CONFIG, settings)
        except OSError as error:
            raise ValueError(
                f"cannot write to {folder} ({error.strerror}): choose another --out"
            ) from error
        return run

    def discard_if_empty(self) -> None:
        """Undo ``create`` if the run has neither a row of progress nor a checkpoint.

        Only files of the run are removed, and folders that are empty without them.
        """
        if self.rows() or self.has_checkpoint:
            return
        remove_start(self.path)
        for folder in self._made:
            with contextlib.suppress(OSError):  # something else may have been put there
                folder.rmdir()

    @classmethod
    def open(cls, path: str | Path, trust: bool = False) -> RunFolder:
        """Open the folder of an existing run.

        Args:
            path: The folder.
            trust: Whether the user trusts whoever made it, see ``popgym.runs.trust``.

        Raises:
            ValueError: If there is no such run, or its config.json is damaged.
        """
        folder = _as_path(path)
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"{folder} is a file, no run folder: name the folder of a run")
        if not folder.is_dir():
            raise ValueError(f"there is no run folder {folder}{nearby(folder)}")
        try:
            run_trust = Trust(everything=trust, root=folder)
            settings = read_config(run_trust.readable(folder / CONFIG, LARGEST_CONFIG))
        except UntrustedError:
            raise
        except FileNotFoundError as error:
            copies = _copies(folder)
            hint = f"; restore it from a copy, such as {copies[-1]}" if copies else ""
            raise ValueError(f"{folder} is no run folder: it has no {CONFIG}{hint}") from error
        except ValueError as error:
            copies = _copies(folder)
            hint = f", such as {copies[-1]}" if copies else ""
            raise ValueError(
                f"{error}: restore it from a copy{hint}, or train again in a new folder"
            ) from error
        return cls(folder, settings, trust)

    def change(self, **settings: Any) -> None:
        """Change settings of the run, also in its config.json."""
        self.settings = replace(self.settings, **settings)
        with storing(self.path / CONFIG):
            write_config(self.path / CONFIG, self.settings)

    # ---- progress

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row to progress.csv; it is on disk when this returns.

        Raises:
            StorageError: If it cannot be written.
        """
        with storing(self.path / PROGRESS):
            self._progress.append(row)

    def rows(self) -> list[Row]:
        """Return the rows of progress.csv, without a last row that a crash cut short."""
        return self._progress.rows()

    def keep_rows(self, iterations: int) -> None:
        """Drop the rows of later iterations, before a run is resumed from this iteration."""
        with storing(self.path / PROGRESS):
            self._progress.keep(iterations)

    def restore_rows(self, iterations: int, saved: str) -> str:
        """Keep the rows up to an iteration as a checkpoint has them.

        Returns:
            How those in progress.csv differed; "" if they did not.
        """
        with storing(self.path / PROGRESS):
            return self._progress.restore(iterations, saved)

    # ---- checkpoints and the policy

    @contextmanager
    def checkpoint(self, iteration: int) -> Iterator[Path]:
        """Give a path at which to create a checkpoint folder.

        The checkpoint is in its place and on disk when the block ends.

        Raises:
            StorageError: If it cannot be written.
        """
        record = {CONFIG: config_text(self.settings), PROGRESS: self._progress.text()}
        with (
            storing(self.path / CHECKPOINTS / f"iteration-{iteration:06d}"),
            self.checkpoints.new(iteration, record) as path,
        ):
            yield path

    def prune_checkpoints(self) -> None:
        """Remove all checkpoints except the latest two."""
        with storing(self.path / CHECKPOINTS):
            self.checkpoints.prune()

    @property
    def has_checkpoint(self) -> bool:
        """Whether the run can be resumed."""
        return bool(self.checkpoints.all())

    def latest_checkpoint(self) -> Checkpoint:
        """Return the newest checkpoint, which may be damaged.

        Raises:
            ValueError: If there is none.
        """
        found = self.checkpoints.all()
        if not found:
            raise ValueError(
                f"{self.path} has no checkpoint to resume from: delete the folder and train again"
            )
        return found[-1]

    def save_policy(self, policy: Policy) -> None:
        """Replace the policy of this run.

        Raises:
            StorageError: If it cannot be written.
        """
        store(policy, self.path / POLICY)

    def save_snapshot(self, steps: int, policy: Policy) -> None:
        """Keep the policy after ``steps`` steps."""
        self._snapshots.save(steps, policy)

    def snapshots(self) -> dict[int, Path]:
        """Return the folders of the policies kept during training, by their steps, ascending."""
        return self._snapshots.all()

    def keep_snapshots(self, steps: int) -> None:
        """Remove the policies of later steps, before a run is resumed from this step."""
        self._snapshots.keep(steps)

    def policy(self, seed: int = 0) -> Policy:
        """Return the trained policy.

        Args:
            seed: The seed of the policy's random actions.

        Raises:
            ValueError: If it is missing or damaged, or has a weight that is not finite.
        """
        return load_finite(self.path / POLICY, seed, self.trust)


def load(path: str | Path, seed: int = 0, *, trust: bool = False) -> Policy:
    """Load the trained policy of a run.

    A run folder from someone else can be loaded without danger: no code in it is run. If it needs
    a memory ``module:Class``, import the module yourself before, or give ``trust=True``.

    Args:
        path: A run folder.
        seed: The seed of the actions that the policy samples with ``deterministic=False``.
        trust: Whether you trust whoever made the folder. Then the code that it names is imported.

    Returns:
        The policy.

    Raises:
        ValueError: If there is no such run, its policy is missing or damaged, or it needs trust.
    """
    return RunFolder.open(path, trust).policy(seed)


def _as_path(path: Any) -> Path:
    try:
        return Path(path)
    except TypeError:
        raise TypeError(f"a run folder is named by its path, got {path!r}") from None


def _way_out(run: RunFolder) -> str:
    """Return what a user can do about a folder that is not empty."""
    if run.has_checkpoint:
        return "name another --out, or --resume it"
    if (run.path / CONFIG).exists():
        return "its run ended before the first checkpoint: delete the folder, or name another --out"
    return "name another --out"


def _copies(folder: Path) -> list[Path]:
    """Return the copies of config.json in checkpoints, the newest last."""
    saved = [path / CONFIG for _, path in Checkpoints(folder / CHECKPOINTS).all()]
    return [path for path in saved if path.exists()]
