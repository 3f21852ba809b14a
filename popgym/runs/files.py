"""Writing files so that a reader sees the old version or the new one, never half of one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path at which to write a file or create a folder.

    When the block ends, the result replaces ``path``. If the block raises, the result is deleted
    and ``path`` stays as it was. A folder cannot be replaced in one operation: for a moment
    neither the old nor the new folder is at ``path``.
    """
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    inside = temporary / "new"
    try:
        yield inside
        if path.is_dir():
            os.replace(path, temporary / "old")
        os.replace(inside, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, which replaces ``path`` when it is complete."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
