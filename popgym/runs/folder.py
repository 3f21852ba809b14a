"""The folder of a run: what was asked for, what happened, and the trained policy.

::

    config.json      the resolved settings, versions and the time of creation
    progress.csv     a row an iteration
    events.out.*     the same for TensorBoard
    curve.png        the learning curve
    policy/          weights and description of the trained policy
    checkpoints/     RLlib's, to resume from
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from popgym.runs.files import replacing
from popgym.runs.settings import UNRECORDED_TIME_UNIT, Settings
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
_COUNTS = ("iteration", "steps", "episodes")

Row = dict[str, Any]


class RunFolder:
    """A run on disk. Everything is written whole or not at all."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path, self.settings = path, settings
        self._columns: list[str] | None = None
        self._made: list[Path] = []  # folders that `create` made, innermost first

    # ---- making and opening

    @classmethod
    def create(cls, settings: Settings, path: str | Path | None = None) -> RunFolder:
        """A new folder, by default ``runs/ENV-MEMORY-seedN``, with a number if that is taken.

        Raises:
            ValueError: when it cannot be written, or holds something already.
        """
        folder = Path(path) if path is not None else _free_name(settings)
        run = cls(folder, settings)
        try:
            run._made = [each for each in (folder, *folder.parents) if not each.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise ValueError(f"{folder} is not empty: name another --out, or --resume it")
            run._write_config(created=_now())
        except OSError as error:
            raise ValueError(
                f"cannot write to {folder} ({error.strerror}): choose another --out"
            ) from error
        return run

    def discard_if_empty(self) -> None:
        """Undoes `create` where nothing came of the run: no row and no checkpoint."""
        if self.rows() or self._checkpoints():
            return
        for entry in self.path.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        for folder in self._made:
            with contextlib.suppress(OSError):  # another run may have moved in
                folder.rmdir()

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """An existing run.

        Raises:
            ValueError: when there is none, or its config.json is damaged.
        """
        folder = Path(path)
        if not folder.is_dir():
            raise ValueError(f"there is no run folder {folder}{_nearby(folder)}")
        try:
            data = _read_config(folder)
            settings = _with_time_unit(Settings.from_dict(data["settings"]))
        except FileNotFoundError as error:
            raise ValueError(f"{folder} is no run folder: it has no {CONFIG}") from error
        except (ValueError, KeyError, TypeError, OSError) as error:
            what = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else error
            raise ValueError(
                f"{folder / CONFIG} is damaged ({what}): restore it from a copy or train anew"
            ) from error
        return cls(folder, settings)

    def extend(self, steps: int) -> None:
        """Gives the run another total of environment steps, also in its config.json."""
        self.settings = replace(self.settings, steps=steps)
        self._write_config(created=_read_config(self.path).get("created", _now()))

    def _write_config(self, created: str) -> None:
        data = {"settings": self.settings.as_dict(), "versions": _versions(), "created": created}
        self._write(CONFIG, json.dumps(data, indent=2) + "\n")

    def _write(self, name: str, text: str) -> None:
        with replacing(self.path / name) as temporary:
            temporary.write_text(text, encoding="utf-8")

    # ---- progress

    def append(self, row: Mapping[str, Any]) -> None:
        """Adds a row to progress.csv, on disk when this returns."""
        target = self.path / PROGRESS
        if self._columns is None:
            self._columns = list(row)
            if not target.exists():
                target.write_text(",".join(self._columns) + "\n", encoding="utf-8")
        with target.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self._columns, lineterminator="\n").writerow(row)
            file.flush()
            os.fsync(file.fileno())

    def rows(self) -> list[Row]:
        """The rows of progress.csv, numbers as numbers; what a crash cut off is left out."""
        target = self.path / PROGRESS
        if not target.exists():
            return []
        text = target.read_text(encoding="utf-8", errors="replace")
        whole = text[: text.rfind("\n") + 1].replace("\0", "?").splitlines()
        return list(_numbers(csv.DictReader(whole)))

    def keep_rows(self, iterations: int) -> None:
        """Drops rows after an iteration, before a run is resumed from its checkpoint."""
        rows = [row for row in self.rows() if row["iteration"] <= iterations]
        if rows:
            columns = list(rows[0])
            lines = [",".join(_text(row[c]) for c in columns) for row in rows]
            self._write(PROGRESS, "\n".join([",".join(columns), *lines]) + "\n")
            self._columns = columns
        else:
            (self.path / PROGRESS).unlink(missing_ok=True)

    # ---- checkpoints and the policy

    def checkpoint(self, iteration: int) -> Any:
        """A context that gives a folder to fill; older checkpoints but one are removed after."""
        (self.path / CHECKPOINTS).mkdir(exist_ok=True)
        return replacing(self.path / CHECKPOINTS / f"iteration-{iteration:06d}")

    def prune_checkpoints(self) -> None:
        """Leaves the latest few."""
        for old in self._checkpoints()[:-_KEPT_CHECKPOINTS]:
            shutil.rmtree(old)

    def _checkpoints(self) -> list[Path]:
        found = (self.path / CHECKPOINTS).glob("iteration-*")
        return sorted(
            (p for p in found if _iteration(p).isdigit()), key=lambda p: int(_iteration(p))
        )

    def latest_checkpoint(self) -> tuple[int, Path]:
        """Iteration and path of the newest checkpoint.

        Raises:
            ValueError: when there is none.
        """
        found = self._checkpoints()
        if not found:
            raise ValueError(f"{self.path} has no checkpoint to resume from: train it anew")
        return int(_iteration(found[-1])), found[-1]

    def save_policy(self, policy: Policy) -> None:
        """Replaces the policy of this run."""
        with replacing(self.path / POLICY) as temporary:
            temporary.mkdir()
            policy.save(temporary)

    def policy(self, seed: int = 0) -> Policy:
        """The trained policy.

        Raises:
            ValueError: when it is missing or damaged.
        """
        from popgym.runs.policy import load_policy

        return load_policy(self.path / POLICY, seed)


def load(path: str | Path, seed: int = 0) -> Policy:
    """The trained policy of a run.

    Args:
        path: a run folder.
        seed: of the policy's draws, when it is asked to act at random.

    Raises:
        ValueError: when there is no run, or its policy is missing or damaged.
    """
    return RunFolder.open(path).policy(seed)


def _iteration(checkpoint: Path) -> str:
    return checkpoint.name.rpartition("-")[2]


def _with_time_unit(settings: Settings) -> Settings:
    """A run with a time embedding that recorded no unit goes on with the one it began with."""
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


def _nearby(folder: Path) -> str:
    parent = folder.parent if folder.parent.is_dir() else Path("runs")
    found = sorted(p.parent.name for p in parent.glob(f"*/{CONFIG}"))[:5] if parent.is_dir() else []
    return f"; {parent} has {', '.join(found)}" if found else ""


def _numbers(rows: csv.DictReader) -> Iterator[Row]:
    """Rows with a number or nothing under each column; lines that are no such rows are left out."""
    if not {"iteration", "steps"} <= set(rows.fieldnames or ()):
        return
    for row in rows:
        try:
            yield {name: _number(name, text) for name, text in row.items()}
        except (ValueError, TypeError):
            continue


def _number(column: str, text: str) -> float | None:
    if column in _COUNTS:
        return int(text)
    return float(text) if text != "" else None  # None, in a line cut short, is a TypeError


def _text(value: Any) -> str:
    return "" if value is None else repr(value)


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
