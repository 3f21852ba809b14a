"""Suites in TOML files, and those that popgym ships."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from popgym.core.arguments import unknown

SHIPPED = Path(__file__).with_name("suites")


def shipped_suites() -> list[str]:
    """Return the names of the suites that popgym ships."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def read_suite(name: str) -> dict[str, Any]:
    """Return a suite as a table, for ``suite_of``.

    Args:
        name: A shipped suite, or the path of a TOML file.

    Raises:
        ValueError: If there is no such suite, or the file cannot be read.
    """
    path = Path(name)
    if path.suffix != ".toml":
        if name not in shipped_suites():
            message = unknown("suite", name, shipped_suites())
            raise ValueError(f"{message}; the path of a TOML file works too")
        path = SHIPPED / f"{name}.toml"
    # Imported only here, because ``popgym --help`` lists the suites.
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        return toml.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read the suite {name}: {error}") from error
