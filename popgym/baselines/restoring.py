"""Restores the algorithm from a checkpoint whose files were verified."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from popgym.baselines.checkpoint_files import WEIGHTS
from popgym.baselines.ppo import RecurrentPPO
from popgym.baselines.remote import cause_of
from popgym.baselines.saving import learned_weights, trained_policy
from popgym.runs.checkpoints import Checkpoint
from popgym.runs.errors import RunError, describe
from popgym.runs.finite import not_finite
from popgym.runs.layout import CONFIG
from popgym.runs.resuming import Start


def restore(algorithm: RecurrentPPO, start: Start) -> None:
    """Restore the algorithm, and take the run folder back to the checkpoint.

    Raises:
        ValueError: If the checkpoint does not fit the settings, or cannot be restored.
        RunError: If a Ray actor fails.
    """
    checkpoint = start.checkpoint
    try:
        unfit = _misfit(algorithm, start)
        if not unfit:
            algorithm.restore_from_path(str(checkpoint.path.resolve()))
            unfit = _divergence(algorithm, start)
    except Exception as error:
        cause = cause_of(error)
        if isinstance(cause, RunError):
            raise
        raise ValueError(_refusal(checkpoint, cause)) from error
    if unfit:
        raise ValueError(unfit)
    _check_restored(algorithm, checkpoint)
    start.rewind()


def _misfit(algorithm: RecurrentPPO, start: Start) -> str:
    """Say how the weights are not those of the settings' network; "" if they are."""
    path = start.checkpoint.path
    difference = _difference(_saved_weights(path), learned_weights(algorithm))
    return difference and (
        f"{path} belongs to another configuration than {start.folder.path / CONFIG}: "
        f"{difference}; restore the settings and the memory class with which the run was "
        "trained, or train again in a new folder"
    )


def _divergence(algorithm: RecurrentPPO, start: Start) -> str:
    """Say which restored weight is not finite, as earlier versions saved them; "" if all are."""
    spoiled = not_finite(trained_policy(algorithm, start.folder.settings).net)
    return spoiled and (
        f"{start.checkpoint.path} has a weight that is not finite ({spoiled}): its training "
        "diverged; delete it to resume from the checkpoint before, if there is one, or train "
        "again with a lower learning rate (lr)"
    )


def _check_restored(algorithm: RecurrentPPO, checkpoint: Checkpoint) -> None:
    """Check that the learner has the weights; RLlib drops the errors of remote learners."""
    saved, restored = _saved_weights(checkpoint.path), learned_weights(algorithm)
    for name in saved:
        if not torch.equal(torch.as_tensor(saved[name]), torch.as_tensor(restored[name])):
            raise RunError(
                f"the learner has not taken the weight {name} from {checkpoint.path}: a Ray actor "
                "may have failed or run out of memory"
            )


def _saved_weights(checkpoint: Path) -> Mapping[str, Any]:
    return pickle.loads((checkpoint / WEIGHTS).read_bytes())  # RLlib does the same


def _difference(saved: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Name the first weight in which two networks differ; "" if there is none."""
    for name in [*saved, *wanted]:
        shapes = [list(np.shape(each[name])) if name in each else None for each in (saved, wanted)]
        if shapes[0] != shapes[1]:
            has, needs = ("none" if shape is None else f"the shape {shape}" for shape in shapes)
            return f"of the weight {name} it has {has}, and the network needs {needs}"
    return ""


def _refusal(checkpoint: Checkpoint, error: BaseException) -> str:
    why = f"{checkpoint.path} cannot be restored ({describe(error)[:300]})"
    if checkpoint.verifiable:
        return (
            f"{why}, although its files are as they were written: use the versions of popgym and "
            f"its libraries that {checkpoint.path / CONFIG} names"
        )
    return (
        f"{why}: if it is damaged, delete it to resume from the previous checkpoint, if there is "
        f"one; otherwise use the versions that {CONFIG} names"
    )
