"""The manifest of a folder: the names, sizes and checksums of its files, to verify them by.

::

    {"format": 1, "files": {"state.pkl": {"size": 5, "sha256": "…"}, …}}
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from popgym.runs.files import sync, write_text

MANIFEST = "manifest.json"
_FORMAT = 1
_BLOCK = 1 << 20  # bytes


def seal(folder: Path) -> None:
    """Write the manifest of a folder; all its files are on disk when this returns.

    The manifest is written last, so that a folder that has one was complete.
    """
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            files[path.relative_to(folder).as_posix()] = _facts(path)
        sync(path)
    data = {"format": _FORMAT, "files": files}
    write_text(folder / MANIFEST, json.dumps(data, indent=1) + "\n")
    sync(folder)


def is_sealed(folder: Path) -> bool:
    """Return whether a folder has a manifest, which may be damaged."""
    return (folder / MANIFEST).exists()


def damage_of(folder: Path) -> str:
    """Compare the files of a folder with its manifest. Files that it does not list do not count.

    Returns:
        What is wrong with the first file that differs, or with the manifest; "" if nothing is.
    """
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        return next((what for name in files if (what := _damage(folder, name, files[name]))), "")
    except FileNotFoundError:
        return f"{MANIFEST} is missing"
    except OSError as error:
        return f"{error.filename or MANIFEST} cannot be read: {error.strerror or error}"
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return f"{MANIFEST} is damaged"


def _damage(folder: Path, name: str, written: dict[str, Any]) -> str:
    path = folder / name
    if not path.is_file():
        return f"{name} is missing"
    size = path.stat().st_size
    if size != written["size"]:
        return f"{name} has {size:,} bytes, where {written['size']:,} were written"
    return "" if _facts(path) == written else f"{name} does not have the bytes that were written"


def _facts(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return {"size": path.stat().st_size, "sha256": digest.hexdigest()}
