"""Locks of folders, so that two processes do not write into one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = ".lock"


@contextmanager
def locked(folder: Path, what: str) -> Iterator[None]:
    """Keep other processes out of a folder. The lock ends with this process, however it ends.

    Args:
        folder: An existing folder.
        what: What the folder is, for the message.

    Raises:
        ValueError: If another process holds the lock.
    """
    path = folder / LOCK
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise ValueError(
            f"{what} {folder} is in use by another process: wait until it ends, or stop it"
        ) from None
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # a run that failed has been discarded with its lock
        lock.release()


def is_locked(folder: Path) -> bool:
    """Return whether a process holds the lock of a folder now."""
    if not (folder / LOCK).exists():
        return False
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    lock.release()
    return False
