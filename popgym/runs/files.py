"""Writing files so that a reader sees the old version or the new one, never half of one."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

_NEW, _OLD = "new", "old"
_TEMPORARY = re.compile(r"\.(.+)-\w{8}")  # what mkdtemp makes of the name in ``replacing``


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path at which to write a file or create a folder.

    When the block ends, the result replaces ``path``. If the block raises, the result is deleted
    and ``path`` stays as it was. A folder cannot be replaced in one operation: for a moment
    neither the old nor the new folder is at ``path``.
    """
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        yield temporary / _NEW
        if path.is_dir():
            os.replace(path, temporary / _OLD)
        os.replace(temporary / _NEW, path)
    except BaseException:
        _put_back(temporary, path)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _put_back(temporary: Path, path: Path) -> None:
    """Put a folder back that was to be replaced, if nothing took its place."""
    if (temporary / _OLD).is_dir() and not path.exists():
        os.replace(temporary / _OLD, path)


def remove_leftovers(folder: Path, names: Collection[str]) -> None:
    """Remove the temporary folders that ``replacing`` left when a process was killed in it.

    Call it only while no other process can be writing. A folder that was to be replaced and is
    missing is put back.

    Args:
        folder: Where to look. It need not exist.
        names: Patterns of the names that were written, such as ``iteration-*``.
    """
    for path in folder.glob(".*"):
        found = _TEMPORARY.fullmatch(path.name)
        if found is None or not any(fnmatch(found[1], name) for name in names):
            continue
        if path.is_dir() and not path.is_symlink() and _holds_only(path, {_NEW, _OLD}):
            _put_back(path, folder / found[1])
            shutil.rmtree(path)


def _holds_only(folder: Path, names: set[str]) -> bool:
    return {entry.name for entry in folder.iterdir()} <= names


def write_text(path: Path, text: str) -> None:
    """Write a text file, which replaces ``path`` when it is complete and on disk."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
        sync(temporary)


def sync(path: Path) -> None:
    """Have the system write a file or the names in a folder to disk.

    Raises:
        OSError: If a file cannot be written. Not all systems can do it for folders.
    """
    if path.is_dir():
        with contextlib.suppress(OSError):
            _sync(path, os.O_RDONLY)
    else:
        _sync(path, os.O_RDWR)  # some systems write only what is open for writing


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
