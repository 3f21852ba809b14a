"""Decides which code, named in the files of a run, may be imported.

A run folder may come from someone else. Its config.json and policy.json may name environments,
wrappers and memories as ``module:Class``. Importing a module runs it, so such a name is only
followed

- if the user says so: ``--trust``, ``trust=True``;
- if the user gave the same name in the same command or call;
- if the program has imported the module already, or there is none, so that nothing is run; or
- if a run of this user wrote the file, and the module is where it was then; see
  ``popgym.runs.signature``.

Trust in a folder also decides whether its checkpoints are unpickled, whether symbolic links out of
it are followed, and whether a policy may need unusually much memory.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from popgym.importing import place_of
from popgym.runs.signature import is_mine, names_of_mine

HOW = "add --trust, or trust=True in Python"


class UntrustedError(ValueError):
    """Error for a file that could run code, or needs unusually much memory, and is not trusted."""


@dataclass(frozen=True)
class Trust:
    """What may be done with the files of a folder."""

    everything: bool = False
    """Whether the user trusts whoever made the folder."""
    root: Path | None = None
    """The folder, which symbolic links must not leave. None: they may lead anywhere."""
    record: Path | None = None
    """The file that signs the names which the user gave when the folder was made."""

    def allows(self, name: str) -> bool:
        """Return whether what a file names may be imported."""
        if self.everything or ":" not in name:
            return True
        if _is_imported(name) or place_of(name.partition(":")[0]) is None:
            return True  # importing it would run nothing
        return self.record is not None and name in names_of_mine(self.record)

    def check(self, name: Any, file: Path) -> None:
        """Refuse a name that may not be imported.

        Args:
            name: The name of an environment, a wrapper or a memory.
            file: The file that contains the name.

        Raises:
            UntrustedError: If importing it would run code that the user has not asked for.
            TypeError: If it is no text.
        """
        if not isinstance(name, str):
            raise TypeError(f"a name must be a text, got {name!r}")
        if self.allows(name):
            return
        place = place_of(name.partition(":")[0])
        raise UntrustedError(
            f"{file} names {name!r}, and importing it would run the code in {place}: if you know "
            f"who made the file and have read that code, {HOW}"
        )

    def inside(self, path: Path) -> Path:
        """Return a path, which may contain symbolic links that stay in the folder.

        Raises:
            UntrustedError: If a symbolic link leads out of the folder.
        """
        if self.everything or self.root is None:
            return path
        target, root = path.resolve(), self.root.resolve()
        if target != root and root not in target.parents:
            raise UntrustedError(
                f"{path} is a symbolic link out of {self.root}, to {target}, and is not followed: "
                f"copy the file there, or {HOW}"
            )
        return path

    def readable(self, path: Path, most: int) -> Path:
        """Return the path of a file that may be read.

        Args:
            path: The file.
            most: The number of bytes that it may have if it is not trusted.

        Raises:
            FileNotFoundError: If there is none.
            UntrustedError: If it is larger, or a symbolic link out of the folder.
            ValueError: If it is no file.
        """
        size = self.inside(path).stat().st_size
        if not path.is_file():  # a pipe or a device, which may never end
            raise ValueError(f"{path} is no file")
        if size > most and not self.everything:
            raise UntrustedError(
                f"{path} has {size:,} bytes, and only {most:,} are read: if you know who made it, "
                f"{HOW}"
            )
        return path

    def check_pickles(self, checkpoint: Path) -> None:
        """Refuse a checkpoint, which is unpickled, unless a run of this user saved it.

        Raises:
            UntrustedError: If it is not trusted.
        """
        if self.everything or (self.inside(checkpoint) and is_mine(checkpoint)):
            return
        raise UntrustedError(
            f"{checkpoint} was not saved here by you, or has been changed since, and a checkpoint "
            f"can run any code when it is read: if you know who made it, {HOW}"
        )


def trust_in(folder: Path, trust: bool | Trust) -> Trust:
    """Return the trust in a folder: what the caller knows, or what ``trust=True`` says."""
    return trust if isinstance(trust, Trust) else Trust(everything=bool(trust), root=folder)


def _is_imported(name: str) -> bool:
    """Return whether a class or function is there already, and belongs to the module's package.

    The latter keeps functions of Python's own modules from being called as wrappers.
    """
    module_name, _, attribute = name.partition(":")
    found = vars(sys.modules[module_name]).get(attribute) if module_name in sys.modules else None
    top = module_name.partition(".")[0]
    home = getattr(found, "__module__", None)
    return (
        isinstance(home, str)
        and home.partition(".")[0] == top
        and top not in sys.stdlib_module_names
    )
