"""Says which file of a run cannot be written, and why."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from popgym.runs.errors import StorageError

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Explain errors of the system that occur while ``path`` is written.

    Raises:
        StorageError: If the block raises an ``OSError``. It names the path.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error).strip().rpartition("\n")[2]
        remedy = "free some space" if error.errno in _FULL else "check the disk and permissions"
        raise StorageError(
            f"cannot write {path} ({reason}): {remedy}; what was saved before is unchanged"
        ) from error
