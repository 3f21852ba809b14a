"""``tune``: the search for the settings with which a memory learns a task best, on Ray Tune."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from popgym.benchmark.tuning.best import Scored, best, best_settings, scored, write_best
from popgym.benchmark.tuning.defaults import TRIALS
from popgym.benchmark.tuning.display import TuneDisplay
from popgym.benchmark.tuning.request import Request
from popgym.benchmark.tuning.running import run_search
from popgym.benchmark.tuning.store import TuneFolder, asked
from popgym.benchmark.tuning.trial import TuneTrial
from popgym.runs.settings import Settings


@dataclass(frozen=True)
class Search:
    """A search that has ended or was interrupted."""

    folder: TuneFolder
    complete: bool
    """Whether no interruption came."""

    @property
    def trials(self) -> list[Scored]:
        """All trials, the best first."""
        return scored(self.folder)

    @property
    def best(self) -> Scored | None:
        """The best trial that has ended; None if there is none. Its score is biased upwards."""
        return best(self.folder)

    @property
    def settings(self) -> dict[str, Any] | None:
        """The settings of the best trial, for ``popgym.train(**settings)``."""
        return best_settings(self.folder, self.best) if self.best is not None else None


def tune(
    env: str,
    memory: str = Settings.memory,
    *,
    steps: int = Settings.steps,
    seed: int = Settings.seed,
    trials: int = TRIALS,
    search: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    jobs: int | None = None,
    gpus: float = 0.0,
    trust: bool = False,
    progress: bool = True,
    **settings: Any,
) -> Search:
    """Search for the settings with which a memory learns a task best.

    Trials train side by side. Those that do worse than others after a ninth or a third of their
    steps are ended early (ASHA). The same call goes on where it was interrupted.

    Args:
        env: A popgym environment, a Gymnasium id, or ``module:Class``.
        memory: A popgym memory, or ``module:Class``.
        steps: Environment steps of the longest trial.
        seed: Seed of what is drawn, and of all trials.
        trials: Number of trials. More than before adds trials to the folder.
        search: More dimensions, such as ``{"lr": "1e-4..3e-3", "gae_lambda": [0.8, 0.9]}``.
        out: The folder. None means ``runs/tune-ENV-MEMORY``.
        jobs: Trials at the same time on this machine. None means one for each core.
        gpus: The share of a GPU that each trial gets.
        trust: Whether you trust whoever made the folder, as for ``popgym.resume``.
        progress: Whether to display progress on standard error.
        **settings: Settings of all trials, which are not searched.

    Returns:
        The search.

    Raises:
        ValueError: If a name is unknown, a value is out of range, or the folder has another search
            or is in use.
        TypeError: If a value has the wrong type.
    """
    request = Request.of(
        env, memory, steps=steps, seed=seed, trials=trials, settings=settings, search=search
    )
    with asked(out, request, "popgym.benchmark.tune(...)") as folder:
        complete = run_search(
            folder, TuneDisplay if progress else _silent, jobs=jobs, gpus=gpus, trust=trust
        )
        found = Search(folder, complete)
        if found.best is not None:
            write_best(folder, found.best)
    return found


def _silent(trials: Sequence[TuneTrial]) -> TuneDisplay:
    return TuneDisplay(trials, io.StringIO())
