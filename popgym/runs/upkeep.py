"""What a run folder may hold that is not as a run leaves it: leftovers, links, a failed start."""

from __future__ import annotations

import contextlib
from pathlib import Path

from popgym.runs.files import remove_leftovers
from popgym.runs.layout import CHECKPOINTS, CONFIG, CURVE, POLICY, PROGRESS, SNAPSHOTS
from popgym.runs.lock import LOCK

_REPLACED = (CONFIG, PROGRESS, POLICY, CURVE)  # as a whole, by way of a temporary folder
_EVENTS = "events.out.*"


def remove_half_written(run: Path) -> None:
    """Remove what killed processes left half-written in a run folder.

    Call it only while the run's lock is held.
    """
    remove_leftovers(run, _REPLACED)
    remove_leftovers(run / SNAPSHOTS, ["steps-*"])
    remove_leftovers(run / CHECKPOINTS, ["iteration-*"])


def remove_start(run: Path) -> None:
    """Remove the files of a run that has made no checkpoint; those of others stay."""
    remove_half_written(run)
    for name in (CONFIG, PROGRESS, CURVE, LOCK, _EVENTS):
        for path in run.glob(name):
            path.unlink()
    with contextlib.suppress(OSError):  # something else may have been put there
        (run / CHECKPOINTS).rmdir()


def refuse_links(run: Path) -> None:
    """Check that what a run writes is in its folder, and not elsewhere behind a link.

    Raises:
        ValueError: If one of its files or folders is a link.
    """
    for name in (*_REPLACED, CHECKPOINTS, SNAPSHOTS):
        path = run / name
        if path.is_symlink():
            raise ValueError(
                f"{path} is a link to {path.readlink()}, which is not followed: put what it links "
                "to in its place, or remove the link"
            )
