"""What makes a suite fair: equal numbers of parameters, and a learning rate chosen for each memory.

The learning rate of a contestant in a task is the one with the highest mean return in the last
tenth of the steps, on seeds that are not reported. Their run folders are in ``fair/``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from popgym.benchmark.reading import ended, last_tenth, read_curve
from popgym.benchmark.store import DONE, Trial, trial_of
from popgym.benchmark.suite import Contestant, Fair, Suite
from popgym.runs.folder import PROGRESS
from popgym.runs.settings import Settings


def choosing_trials(suite: Suite, folder: Path) -> Iterator[Trial]:
    """Yield the trials that choose the learning rates of a suite."""
    if suite.fair is None:
        return
    for seed in suite.fair.seeds:
        for task in suite.tasks:
            for contestant in suite.contestants:
                for lr in suite.fair.lr:
                    yield _with_rate(suite, task, contestant, seed, lr, folder)


def _with_rate(
    suite: Suite, task: str, contestant: Contestant, seed: int, lr: float, folder: Path
) -> Trial:
    label = f"{contestant.label}+lr={lr:g}"
    settings = {**contestant.settings, "lr": lr}
    trial = trial_of(suite, task, replace(contestant, label=label, settings=settings), seed, folder)
    assert suite.fair is not None
    return replace(trial, settings=_wide(suite.fair, trial.settings))


def fitted(suite: Suite, trial: Trial, folder: Path) -> Trial:
    """Return a trial with the width and the learning rate that a fair suite gives it."""
    if suite.fair is None:
        return trial
    (contestant,) = (each for each in suite.contestants if each.label == trial.label)
    settings = trial.settings
    rate = chosen_rate(suite, trial.task, contestant, folder)
    if rate is not None:
        settings = replace(settings, lr=rate)
    return replace(trial, settings=_wide(suite.fair, settings))


def _wide(fair: Fair, settings: Settings) -> Settings:
    if fair.parameters is None:
        return settings
    from popgym.benchmark.width import with_parameters  # needs torch and Ray, reading does not

    return with_parameters(settings, fair.parameters)


def chosen_rate(suite: Suite, task: str, contestant: Contestant, folder: Path) -> float | None:
    """Return the learning rate that did best, or None before all trials have ended.

    A trial that failed counts as the worst.
    """
    if suite.fair is None or not suite.fair.lr:
        return None
    found = {}
    for lr in suite.fair.lr:
        trials = [
            _with_rate(suite, task, contestant, seed, lr, folder) for seed in suite.fair.seeds
        ]
        if not all(trial.status() == DONE or trial.error() for trial in trials):
            return None
        found[lr] = float(np.mean([_end(trial) for trial in trials]))
    if max(found.values()) == -np.inf:
        return None  # all failed; the trials that would be reported fail alike, and say why
    return max(found, key=lambda lr: found[lr])


def _end(trial: Trial) -> float:
    """Return the mean return of the last tenth of a trial; −∞ if it failed."""
    if trial.status() != DONE:
        return -np.inf
    steps, means = ended(read_curve(trial.path / PROGRESS)[:, ::2]).T
    # It may have made less than its budget, if ``stop_at`` ended it.
    return last_tenth(steps, means, steps[-1]) if len(steps) else -np.inf
