"""The checkpoints of a run: each is a folder of RLlib's, a record of the run, and a manifest.

::

    iteration-000120/config.json      the settings with which it was written
    iteration-000120/progress.csv     the rows up to its iteration
    iteration-000120/manifest.json    names, sizes and checksums of all its files
    iteration-000120/signature.json   who wrote them, see popgym.runs.signature
    damaged-iteration-000121/         one that was passed over when the run was resumed
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from popgym.runs.config_file import read_config
from popgym.runs.files import replacing, sync
from popgym.runs.layout import CONFIG, PROGRESS
from popgym.runs.manifest import damage_of, is_sealed, seal
from popgym.runs.settings import Settings
from popgym.runs.signature import SIGNATURE, sign_folder

_KEPT = 2


class Checkpoint(NamedTuple):
    """One checkpoint of a run."""

    iteration: int
    path: Path

    @property
    def verifiable(self) -> bool:
        """Whether it has a manifest or a record of the run; earlier versions wrote neither."""
        recorded = any((self.path / name).exists() for name in (CONFIG, PROGRESS))
        return recorded or is_sealed(self.path)

    def damage(self, needed: Collection[str]) -> str:
        """Say what is wrong with its files; "" if nothing is.

        Args:
            needed: Files that it must have.
        """
        if self.path.is_symlink():
            return "it is a link"
        missing = [name for name in needed if not (self.path / name).is_file()]
        if missing:
            return f"{missing[0]} is missing"
        return damage_of(self.path) if self.verifiable else ""

    def settings(self) -> Settings | None:
        """Return the settings with which it was written; None if it has no record of them.

        Raises:
            ValueError: If this version of popgym cannot read them.
        """
        path = self.path / CONFIG
        return read_config(path) if path.exists() else None

    def progress(self) -> str | None:
        """Return the rows up to its iteration as progress.csv has them; None if it has none."""
        path = self.path / PROGRESS
        return path.read_text(encoding="utf-8") if path.exists() else None


class Checkpoints:
    """The folder ``checkpoints/`` of a run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def new(self, iteration: int, record: Mapping[str, str]) -> Iterator[Path]:
        """Give a path at which to create a checkpoint folder.

        When the block ends, the record and the manifest are added, all is written to disk, and
        only then the checkpoint gets its name.

        Args:
            iteration: Its iteration.
            record: Names and texts of the files about the run.
        """
        self.path.mkdir(exist_ok=True)
        with replacing(self.path / f"iteration-{iteration:06d}") as temporary:
            yield temporary
            for name, text in record.items():
                (temporary / name).write_text(text, encoding="utf-8")
            seal(temporary)
            sign_folder(temporary)
            if (temporary / SIGNATURE).exists():
                sync(temporary / SIGNATURE)
        sync(self.path)

    def all(self) -> list[Checkpoint]:
        """Return the checkpoints, the newest last."""
        found = {path: path.name.rpartition("-")[2] for path in self.path.glob("iteration-*")}
        return sorted(Checkpoint(int(n), path) for path, n in found.items() if n.isdigit())

    def prune(self) -> None:
        """Remove all checkpoints except the latest two."""
        for _, path in self.all()[:-_KEPT]:
            shutil.rmtree(path)

    def sound(self, needed: Collection[str]) -> tuple[Checkpoint, dict[Path, str]]:
        """Return the newest checkpoint that is not damaged.

        Args:
            needed: Files that each checkpoint must have.

        Returns:
            The checkpoint, and the newer ones that are passed over, with what is wrong with each.

        Raises:
            ValueError: If there is none.
        """
        passed: dict[Path, str] = {}
        for checkpoint in reversed(self.all()):
            damage = checkpoint.damage(needed)
            if not damage:
                return checkpoint, passed
            passed[checkpoint.path] = damage
        details = "; ".join(f"{path.name}: {what}" for path, what in passed.items())
        raise ValueError(
            f"{self.path} has no checkpoint that is not damaged ({details}): restore one from a "
            "copy, or train again in a new folder"
        )

    def set_aside(self, path: Path) -> Path:
        """Rename a damaged checkpoint, so that it no longer counts; return its new path."""
        aside = path.with_name(f"damaged-{path.name}")
        if aside.is_dir() and not aside.is_symlink():
            shutil.rmtree(aside)
        os.replace(path, aside)
        return aside
