"""The folder of a run: its settings, its progress, its checkpoints and the trained policy.

::

    config.json      the resolved settings, versions and the time of creation
    progress.csv     one row for each iteration
    events.out.*     the same for TensorBoard
    curve.png        the learning curve
    policy/          weights and description of the trained policy
    checkpoints/     RLlib's checkpoints, from which training is resumed
"""

from __future__ import annotations

import contextlib
import json
import platform
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from popgym.runs.files import replacing, write_text
from popgym.runs.progress_file import ProgressFile, Row
from popgym.runs.settings import NETWORK_BEFORE_3, UNRECORDED_TIME_UNIT, Settings
from popgym.runs.source import GIVEN

if TYPE_CHECKING:  # a policy needs torch, a folder does not
    from popgym.runs.policy import Policy

CONFIG, PROGRESS, POLICY, CHECKPOINTS, CURVE = (
    "config.json",
    "progress.csv",
    "policy",
    "checkpoints",
    "curve.png",
)
_PACKAGES = ("popgym", "torch", "ray", "gymnasium", "numpy", "numba")
_KEPT_CHECKPOINTS = 2


class RunFolder:
    """A run on disk.

    Files are replaced as a whole, and rows of progress.csv are appended one at a time. So a crash
    never leaves half a file behind.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path, self.settings = path, settings
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
        folder = Path(path) if path is not None else _free_name(settings)
        run = cls(folder, settings)
        try:
            run._made = [each for each in (folder, *folder.parents) if not each.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise ValueError(f"{folder} is not empty: {_way_out(run)}")
            run._write_config(created=_now())
        except OSError as error:
            raise ValueError(
                f"cannot write to {folder} ({error.strerror}): choose another --out"
            ) from error
        return run

    def discard_if_empty(self) -> None:
        """Undo ``create`` if the run has neither a row of progress nor a checkpoint."""
        if self.rows() or self.has_checkpoint:
            return
        for entry in self.path.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        for folder in self._made:
            with contextlib.suppress(OSError):  # another run may have put its folder there
                folder.rmdir()

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Open the folder of an existing run.

        Raises:
            ValueError: If there is no such run, or its config.json is damaged.
        """
        folder = _as_path(path)
        if not folder.is_dir():
            raise ValueError(f"there is no run folder {folder}{_nearby(folder)}")
        try:
            data = _read_config(folder)
            settings = _with_time_unit(Settings.from_dict(_current(data["settings"])))
        except FileNotFoundError as error:
            raise ValueError(f"{folder} is no run folder: it has no {CONFIG}") from error
        except (ValueError, KeyError, TypeError, OSError) as error:
            what = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else error
            raise ValueError(
                f"{folder / CONFIG} is damaged ({what}): restore it from a copy, or train again "
                "in a new folder"
            ) from error
        return cls(folder, settings)

    def change(self, **settings: Any) -> None:
        """Change settings of the run, also in its config.json."""
        self.settings = replace(self.settings, **settings)
        self._write_config(created=_read_config(self.path).get("created", _now()))

    def _write_config(self, created: str) -> None:
        data = {"settings": self.settings.as_dict(), "versions": _versions(), "created": created}
        write_text(self.path / CONFIG, json.dumps(data, indent=2) + "\n")

    # ---- progress

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row to progress.csv; it is on disk when this returns."""
        self._progress.append(row)

    def rows(self) -> list[Row]:
        """Return the rows of progress.csv, without a last row that a crash cut short."""
        return self._progress.rows()

    def keep_rows(self, iterations: int) -> None:
        """Drop the rows of later iterations, before a run is resumed from this iteration."""
        self._progress.keep(iterations)

    # ---- checkpoints and the policy

    def checkpoint(self, iteration: int) -> Any:
        """Return a context manager that gives a path at which to create a checkpoint folder.

        The checkpoint is in its place when the block ends.
        """
        (self.path / CHECKPOINTS).mkdir(exist_ok=True)
        return replacing(self.path / CHECKPOINTS / f"iteration-{iteration:06d}")

    def prune_checkpoints(self) -> None:
        """Remove all checkpoints except the latest two."""
        for old in self._checkpoints()[:-_KEPT_CHECKPOINTS]:
            shutil.rmtree(old)

    def _checkpoints(self) -> list[Path]:
        found = (self.path / CHECKPOINTS).glob("iteration-*")
        return sorted(
            (p for p in found if _iteration(p).isdigit()), key=lambda p: int(_iteration(p))
        )

    @property
    def has_checkpoint(self) -> bool:
        """Whether the run can be resumed."""
        return bool(self._checkpoints())

    def latest_checkpoint(self) -> tuple[int, Path]:
        """Return the iteration and the path of the newest checkpoint.

        Raises:
            ValueError: If there is none.
        """
        found = self._checkpoints()
        if not found:
            raise ValueError(
                f"{self.path} has no checkpoint to resume from: delete the folder and train again"
            )
        return int(_iteration(found[-1])), found[-1]

    def save_policy(self, policy: Policy) -> None:
        """Replace the policy of this run."""
        with replacing(self.path / POLICY) as temporary:
            temporary.mkdir()
            policy.save(temporary)

    def policy(self, seed: int = 0) -> Policy:
        """Return the trained policy.

        Args:
            seed: The seed of the policy's random actions.

        Raises:
            ValueError: If it is missing or damaged.
        """
        from popgym.runs.policy import load_policy

        return load_policy(self.path / POLICY, seed)


def load(path: str | Path, seed: int = 0) -> Policy:
    """Load the trained policy of a run.

    Args:
        path: A run folder.
        seed: The seed of the actions that the policy samples with ``deterministic=False``.

    Returns:
        The policy.

    Raises:
        ValueError: If there is no such run, or its policy is missing or damaged.
    """
    return RunFolder.open(path).policy(seed)


def _as_path(path: Any) -> Path:
    try:
        return Path(path)
    except TypeError:
        raise TypeError(f"a run folder is named by its path, got {path!r}") from None


def _iteration(checkpoint: Path) -> str:
    return checkpoint.name.rpartition("-")[2]


def _current(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings as the current version names them, with the values that they had."""
    if not isinstance(settings, dict) or "normalise_rewards" in settings:
        return settings  # Settings refuses what is not a table
    # Written before rewards and observations were normalised.
    network = {**settings.get("network", {}), **NETWORK_BEFORE_3}
    kept = {name: value for name, value in settings.items() if name != "value_clip"}
    without = {"normalise_rewards": False, "normalise_observations": False, "action_masks": False}
    return {**kept, **without, "network": network}


def _with_time_unit(settings: Settings) -> Settings:
    """Fill in the unit of the time embedding for runs of earlier versions, which recorded none."""
    network, unit = settings.network, "embedding_max_steps"
    if network.get("embedding") in (None, "none") or network.get(unit) is not None:
        return settings
    return replace(settings, network={**network, unit: UNRECORDED_TIME_UNIT})


def _read_config(folder: Path) -> dict[str, Any]:
    return json.loads((folder / CONFIG).read_text(encoding="utf-8"))


def _free_name(settings: Settings) -> Path:
    chosen = (settings.env.removesuffix(GIVEN), settings.memory)
    names = (part.rpartition(":")[2].replace("/", "-") for part in chosen)
    base = Path("runs") / f"{'-'.join(names)}-seed{settings.seed}"
    candidate, number = base, 2
    while candidate.exists():
        candidate, number = base.with_name(f"{base.name}-{number}"), number + 1
    return candidate


def _way_out(run: RunFolder) -> str:
    """Return what a user can do about a folder that is not empty."""
    if run.has_checkpoint:
        return "name another --out, or --resume it"
    if (run.path / CONFIG).exists():
        return "its run ended before the first checkpoint: delete the folder, or name another --out"
    return "name another --out"


def _nearby(folder: Path) -> str:
    parent = folder.parent if folder.parent.is_dir() else Path("runs")
    found = sorted(p.parent.name for p in parent.glob(f"*/{CONFIG}"))[:5] if parent.is_dir() else []
    return f"; {parent} has {', '.join(found)}" if found else ""


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
