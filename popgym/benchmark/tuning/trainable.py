"""A trial of a search as Ray Tune runs it: one training iteration at a time, in its own process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ray import tune

from popgym.benchmark.store import DONE
from popgym.benchmark.tuning.pacing import Paced, Report
from popgym.benchmark.tuning.trial import TuneTrial
from popgym.benchmark.work import noting_failure, train_rest
from popgym.runs.stopping import RecentReturn

NUMBER, STEPS, SCORE = "number", "steps", "score"
"""The number of a trial in Tune's configuration, and what it reports."""


class TrialRun(tune.Trainable):
    """Trains what is left of a trial.

    A trial ends itself, also early: at the end of a search Tune gives an actor that it stops only
    ten seconds to save. So Tune stops a trial only when the search is interrupted.
    """

    def setup(self, config: dict[str, Any], trials: Sequence[TuneTrial], trust: bool) -> None:
        """Remember which trial it is. Tune calls it in the trial's process.

        Args:
            config: The number of the trial.
            trials: All trials.
            trust: As for ``popgym.resume``.
        """
        trial = trials[config[NUMBER]]
        self._run = Paced(lambda report: run_trial(trial, trust, report))

    def step(self) -> dict[str, Any]:
        """Train for one iteration in which an episode has ended; return the steps and the score."""
        return self._run.next() or {"done": True}

    def cleanup(self) -> None:
        """Save what the trial has learned."""
        self._run.close()


def run_trial(trial: TuneTrial, trust: bool, report: Report) -> bool:
    """Train what is left of a trial, and record that it has ended.

    Args:
        trial: The trial.
        trust: As for ``popgym.resume``.
        report: Gets the steps and the score after each iteration once an episode has ended, and
            says whether the search is interrupted.

    Returns:
        Whether it did not fail.
    """

    def work() -> None:
        if trial.status() == DONE:  # its process was lost after the end
            return
        recent = RecentReturn(None, trial.settings.stop_episodes, trial.kept_rows())
        interrupted = False

        def until(row: Mapping[str, Any]) -> bool:
            nonlocal interrupted
            recent.add(row)
            if recent.so_far is not None:
                interrupted = report({STEPS: row["steps"], SCORE: recent.so_far})
            early = trial.early()
            return interrupted or (early is not None and row["steps"] >= early)

        run = train_rest(trial, trust, until)
        if not interrupted and not run.interrupted:
            trial.note_end()

    return noting_failure(trial, work)
