"""Writing so that a reader sees the old file or the new one, never half of one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a temporary name beside ``path`` to write a file or fill a folder under.

    It takes the place of ``path`` when the block ends, and vanishes when the block fails. A folder
    cannot be replaced in one move: for an instant in between there is none.
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
