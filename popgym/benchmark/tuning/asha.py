"""ASHA for the folder of a search: it learns what trials did before, and records its decisions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ray.tune.schedulers import ASHAScheduler

from popgym.benchmark.tuning.trainable import NUMBER, SCORE, STEPS
from popgym.benchmark.tuning.trial import TuneTrial
from popgym.runs.stopping import RecentReturn

KEPT = 3
"""One of so many trials goes on at each decision."""
DECISIONS = 2
"""Decisions about a trial: after a third of its steps, and after a ninth."""


class _Known(NamedTuple):
    trial_id: str


class FolderASHA(ASHAScheduler):
    """Asynchronous successive halving over environment steps.

    Li et al., "A System for Massively Parallel Hyperparameter Tuning" (2020),
    https://arxiv.org/abs/1810.05934. A trial is identified by its number, so that what it did
    before an interruption counts. The trial ends itself when it finds the decision in the folder.

    Args:
        trials: All trials, by number.
        steps: Environment steps of the longest trial.
    """

    def __init__(self, trials: Sequence[TuneTrial], steps: int) -> None:
        super().__init__(
            time_attr=STEPS, metric=SCORE, mode="max", max_t=steps, reduction_factor=KEPT,
            grace_period=math.ceil(steps / KEPT**DECISIONS),
        )  # fmt: skip
        self._all, self._last = trials, steps
        for trial in trials:
            self._remember(trial)

    def _remember(self, trial: TuneTrial) -> None:
        """Let the scheduler see the rows that a trial has made and keeps."""
        known = _Known(trial.name)
        super().on_trial_add(None, known)
        recent = RecentReturn(None, trial.settings.stop_episodes)
        for row in trial.kept_rows():
            recent.add(row)
            if recent.so_far is not None:
                super().on_trial_result(None, known, {STEPS: row["steps"], SCORE: recent.so_far})

    def on_trial_add(self, controller: Any, trial: Any) -> None:
        """Take up a trial."""
        super().on_trial_add(controller, self._known(trial))

    def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Decide about a trial, and record in the folder if it ends early."""
        action = super().on_trial_result(controller, self._known(trial), result)
        if action == self.STOP and result[STEPS] < self._last:
            self._all[trial.config[NUMBER]].end_early(result[STEPS], result[SCORE])
        return self.CONTINUE

    def on_trial_complete(self, controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """Forget a trial that has ended; what it reported stays."""
        super().on_trial_complete(controller, self._known(trial), result)

    def on_trial_remove(self, controller: Any, trial: Any) -> None:
        """Forget a trial that has not begun."""
        super().on_trial_remove(controller, self._known(trial))

    def _known(self, trial: Any) -> _Known:
        return _Known(self._all[trial.config[NUMBER]].name)
