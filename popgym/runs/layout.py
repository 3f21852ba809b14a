"""The names of files and folders in a run folder, and of run folders."""

from __future__ import annotations

import re
from pathlib import Path

from popgym.runs.settings import Settings
from popgym.runs.source import GIVEN

CONFIG, PROGRESS, POLICY, CHECKPOINTS, SNAPSHOTS, CURVE = (
    "config.json",
    "progress.csv",
    "policy",
    "checkpoints",
    "snapshots",
    "curve.png",
)


LONGEST_NAME = 100
"""Characters of a name that become part of a file's name, of which systems allow 255 bytes."""


def free_name(settings: Settings) -> Path:
    """Return the path of a new run, with a number added if it exists."""
    chosen = (settings.env.removesuffix(GIVEN), settings.memory)
    base = Path("runs") / f"{'-'.join(map(file_name, chosen))}-seed{settings.seed}"
    candidate, number = base, 2
    while candidate.exists():
        candidate, number = base.with_name(f"{base.name}-{number}"), number + 1
    return candidate


def file_name(name: str) -> str:
    """Return the name of an environment or a memory as a part of the name of a file.

    Of ``module:Class`` that is the class. A name in a file from elsewhere can have any signs, and
    must not lead to another folder.
    """
    kept = re.sub(r"[^\w.+=-]", "-", name.rpartition(":")[2])
    return kept.lstrip(".")[:LONGEST_NAME] or "-"


def nearby(folder: Path) -> str:
    """Return which runs are where one was looked for in vain; "" if there are none."""
    parent = folder.parent if folder.parent.is_dir() else Path("runs")
    found = sorted(p.parent.name for p in parent.glob(f"*/{CONFIG}"))[:5] if parent.is_dir() else []
    return f"; {parent} has {', '.join(found)}" if found else ""
