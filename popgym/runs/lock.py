"""Locks of folders, so that two processes do not write into one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = ".lock"
_PATIENCE = 1.0  # seconds


@contextmanager
def locked(folder: Path, what: str, *, patience: float = _PATIENCE) -> Iterator[None]:
    """Keep other processes out of a folder. The lock ends with this process, however it ends.

    The lock is a file beside the folder's own files, ``.lock``, which stays there: if it were
    deleted, a process that has opened it and one that makes it anew could hold it both.

    Args:
        folder: An existing folder.
        what: What the folder is, for the message.
        patience: Seconds to wait for another process.

    Raises:
        ValueError: If another process holds the lock.
    """
    lock = FileLock(folder / LOCK, timeout=patience)
    try:
        lock.acquire()
    except Timeout:
        raise ValueError(
            f"{what} {folder} is in use by another process: wait until it ends, or stop it"
        ) from None
    try:
        yield
    finally:
        lock.release()


def is_locked(folder: Path) -> bool:
    """Return whether a process holds the lock of a folder now, without taking it."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _is_free(descriptor)
    finally:
        os.close(descriptor)


def _is_free(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # not a POSIX system: the status is only a display
        return True
    try:
        # Shared, so that processes that look do not shut each other out.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    return True
