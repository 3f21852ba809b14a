"""One trial of a benchmark, from its first step to its evaluation."""

from __future__ import annotations

import json
import shutil
import traceback
import warnings
from collections.abc import Callable
from typing import Any

from popgym.baselines.loop import Until
from popgym.baselines.train import Run, resume, train
from popgym.benchmark.store import EVALUATION, Trial
from popgym.runs.checkpoints import Checkpoints
from popgym.runs.errors import describe
from popgym.runs.evaluate import Evaluation, evaluate
from popgym.runs.files import write_text
from popgym.runs.folder import RunFolder
from popgym.runs.layout import CHECKPOINTS
from popgym.runs.lock import locked

EPISODES = 200
"""Episodes of each of the two evaluations of a trial."""
EVALUATION_SEED = 20_000
"""Seed of the evaluations' environments, whose streams no training shares."""
_PATIENCE = 30.0  # seconds; a process whose driver was killed may live on for some


def work_on(trial: Trial, trust: bool = False) -> bool:
    """Train what is left of a trial, and evaluate it.

    Args:
        trial: The trial.
        trust: Whether the user trusts whoever made the folder, see ``popgym.runs.trust``.

    Returns:
        Whether the trial is complete. If not, it failed, and the reason is in its error file.

    Raises:
        KeyboardInterrupt: If it was interrupted. What it has learned is in its last checkpoint.
    """

    def work() -> None:
        if train_rest(trial, trust).interrupted:
            raise KeyboardInterrupt
        _evaluate(trial, trust)

    return noting_failure(trial, work)


def noting_failure(trial: Trial, work: Callable[[], None]) -> bool:
    """Work on a trial that no other process works on; write its error file if that fails.

    Returns:
        Whether it did not fail.

    Raises:
        ValueError: If another process works on the trial.
    """
    trial.lock_folder.mkdir(parents=True, exist_ok=True)
    with locked(trial.lock_folder, "the trial", patience=_PATIENCE):
        try:
            trial.error_file.unlink(missing_ok=True)
            work()
        except Exception as error:
            note_failure(trial, error)
            return False
    return True


def train_rest(trial: Trial, trust: bool, until: Until | None = None) -> Run:
    """Train what is left of a trial: from its last checkpoint, or from the start.

    Args:
        trial: The trial.
        trust: As in ``work_on``.
        until: As for ``popgym.train``.
    """
    settings = trial.settings.as_dict()
    if _has_checkpoint(trial):
        with warnings.catch_warnings():
            # If all steps are made, this saves the policy, which a crash may have left out.
            warnings.filterwarnings("ignore", message=".* already; choose a larger")
            return resume(trial.path, progress=False, until=until, trust=trust)
    if trial.path.exists():  # killed before its first checkpoint
        shutil.rmtree(trial.path)
    env = settings.pop("env")
    return train(env, out=trial.path, progress=False, until=until, **settings)


def _has_checkpoint(trial: Trial) -> bool:
    # Also if config.json is damaged: resuming then says how to restore it, and deletes nothing.
    return bool(Checkpoints(trial.path / CHECKPOINTS).all())


def _evaluate(trial: Trial, trust: bool) -> None:
    """Write the returns of greedy and of sampled episodes, and the sizes of the network.

    The seed is the same for all trials of a task, so that all play the same episodes.
    """
    net = RunFolder.open(trial.path, trust).policy().net
    data: dict[str, Any] = {
        "steps": trial.settings.steps,
        "seed": EVALUATION_SEED,
        "parameters": sum(weight.numel() for weight in net.parameters()),
        "state_size": sum(
            part.numel() for part in net.flatten_state(net.initial_state(1)).values()
        ),
    }
    for name, greedy in (("greedy", True), ("sampled", False)):
        found = evaluate(
            trial.path, episodes=EPISODES, seed=EVALUATION_SEED, deterministic=greedy,
            trust=trust,
        )  # fmt: skip
        data[name] = _as_data(found)
    write_text(trial.path / EVALUATION, json.dumps(data) + "\n")


def _as_data(found: Evaluation) -> dict[str, Any]:
    return {
        "returns": [round(float(value), 6) for value in found.returns],
        "lengths": [int(value) for value in found.lengths],
    }


def note_failure(trial: Trial, error: Exception) -> None:
    """Write the error file of a trial."""
    data = {
        "error": describe(error),
        "traceback": "".join(traceback.format_exception(error)),
    }
    trial.error_file.parent.mkdir(parents=True, exist_ok=True)
    write_text(trial.error_file, json.dumps(data, indent=2) + "\n")
