"""Saved policies in a run folder: the trained one, and those kept during training."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from popgym.runs.files import replacing
from popgym.runs.signature import sign_folder
from popgym.runs.storing import storing

if TYPE_CHECKING:  # a policy needs torch, a folder does not
    from popgym.runs.policy import Policy
    from popgym.runs.trust import Trust


def store(policy: Policy, path: Path) -> None:
    """Write a policy into a folder, which replaces ``path`` when it is complete.

    Raises:
        StorageError: If it cannot be written.
    """
    with storing(path):
        path.parent.mkdir(exist_ok=True)
        with replacing(path) as temporary:
            temporary.mkdir()
            policy.save(temporary)
            sign_folder(temporary)


def load_finite(path: Path, seed: int, trust: Trust) -> Policy:
    """Load a policy.

    Raises:
        ValueError: If it is missing or damaged, or has a weight that is not finite.
    """
    from popgym.runs.finite import not_finite
    from popgym.runs.policy import load_policy

    policy = load_policy(path, seed, trust)
    spoiled = not_finite(policy.net)
    if spoiled:
        raise ValueError(
            f"the policy in {path} has a weight that is not finite ({spoiled}): its training "
            "diverged; train again with a lower learning rate (lr)"
        )
    return policy


class Snapshots:
    """The folder ``snapshots/`` of a run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(self, steps: int, policy: Policy) -> None:
        """Keep the policy after ``steps`` steps."""
        store(policy, self.path / f"steps-{steps:012d}")

    def all(self) -> dict[int, Path]:
        """Return the folders of the policies by their steps, ascending."""
        found = {
            int(number): path
            for path in self.path.glob("steps-*")
            if (number := path.name.removeprefix("steps-")).isdigit()
        }
        return dict(sorted(found.items()))

    def keep(self, steps: int) -> None:
        """Remove the policies of later steps."""
        for number, path in self.all().items():
            if number > steps:
                shutil.rmtree(path)
