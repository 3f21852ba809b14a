"""Recognises what this user's own runs have written.

A signature is made with a secret key, which lies in a folder of the user and nowhere else. So a
file with a right signature was written by a run of this user and has not been changed since. Who
copies a run folder copies its signatures, but cannot make new ones.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import os
import secrets
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from popgym.importing import place_of

SIGNATURE = "signature.json"
"""The file in a folder that holds the signature of all others."""


def key_file() -> Path:
    """Return where the user's secret key is kept."""
    if sys.platform == "win32":
        state = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "popgym" / "key"


def signed_names(names: Iterable[str]) -> dict[str, Any]:
    """Return the entries with which a JSON file signs the names of a user's code.

    Each name is signed together with the place of its module, so that a module of the same name
    in another folder is not taken for it.

    Args:
        names: Names in the file. Only those of the form ``module:Class`` need a signature.
    """
    places = {name: place_of(name.partition(":")[0]) for name in names if ":" in name}
    signature = _sign("names", _text(places)) if places else None
    return {} if signature is None else {"code": places, "signature": signature}


def names_of_mine(file: Path) -> frozenset[str]:
    """Return the names that a JSON file signs and whose modules are where they were."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        places = data["code"]
        mine = _is_signature("names", _text(places), data["signature"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return frozenset()
    here = {name: place_of(name.partition(":")[0]) for name in places} if mine else {}
    return frozenset(name for name, place in here.items() if place and place == places[name])


def sign_folder(folder: Path) -> None:
    """Sign all files that are in a folder now."""
    signature = _sign("folder", _digest(folder))
    if signature is not None:
        text = json.dumps({"signature": signature}) + "\n"
        (folder / SIGNATURE).write_text(text, encoding="utf-8")


def is_mine(folder: Path, most: float = math.inf) -> bool:
    """Return whether a folder is as ``sign_folder`` signed it.

    Args:
        folder: The folder.
        most: The bytes of its files, above which they are not read.
    """
    try:
        if sum(path.stat().st_size for path in _files(folder)) > most:
            return False
        data = json.loads((folder / SIGNATURE).read_text(encoding="utf-8"))
        return _is_signature("folder", _digest(folder), data["signature"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _text(places: Mapping[str, str | None]) -> str:
    return json.dumps(places, sort_keys=True)


def _digest(folder: Path) -> str:
    """Return the names and hashes of all files in a folder."""
    lines = []
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if name != SIGNATURE:
            lines.append(f"{_hash(path)} {name}")
    return "\n".join(lines)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _sign(purpose: str, text: str) -> str | None:
    key = _key()
    if key is None:
        return None
    return hmac.new(key, f"{purpose}\n{text}".encode(), hashlib.sha256).hexdigest()


def _is_signature(purpose: str, text: str, given: Any) -> bool:
    right = _sign(purpose, text)
    if right is None or not isinstance(given, str):
        return False
    return hmac.compare_digest(right.encode(), given.encode())


def _key() -> bytes | None:
    """Return the user's key, which the first call makes; None if it cannot be kept."""
    path = key_file()
    try:
        if not path.exists():
            _make_key(path)
        return path.read_bytes() or None
    except (OSError, RuntimeError):  # a home that cannot be written to, or none at all
        return None


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # only its owner can read it
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
        os.link(temporary, path)  # unlike a rename, it lets the first of several processes win
    except FileExistsError:
        pass
    finally:
        os.unlink(temporary)
