"""Runs the trials of a benchmark side by side on Ray."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

from popgym.baselines.build import start_ray
from popgym.benchmark.choice import choosing_trials, fitted
from popgym.benchmark.display import Display
from popgym.benchmark.store import DONE, FAIR, TRIALS, BenchmarkFolder, Trial, trials_of
from popgym.benchmark.work import note_failure, work_on
from popgym.runs.interrupts import Interrupts

_PATIENCE = 60.0  # seconds that interrupted trials have to save what they have learned
_CRASHES = 3  # times that a trial may lose its process and start again
_WAIT = 1.0  # seconds between two looks at the trials


def run_benchmark(
    folder: BenchmarkFolder,
    display: Callable[[Sequence[Trial]], Display],
    *,
    jobs: int | None = None,
    gpus: float = 0.0,
) -> bool:
    """Run what is left of a benchmark; fair suites first run the trials that choose.

    Args:
        folder: The benchmark, locked by the caller.
        display: Makes a display of trials.
        jobs: As in ``run_trials``.
        gpus: As in ``run_trials``.

    Returns:
        Whether no interruption came.
    """
    with _ray(jobs):
        for suite in folder.suites():
            trials = list(choosing_trials(suite, folder.path / FAIR))
            if not _run_shown(trials, display, jobs, gpus):
                return False
        return _run_shown(_fitted(folder), display, jobs, gpus)


def _fitted(folder: BenchmarkFolder) -> list[Trial]:
    """Return all trials of a benchmark, fair ones with what was chosen for them."""
    found: dict[Path, Trial] = {}
    for suite in folder.suites():
        for trial in trials_of(suite, folder.path / TRIALS):
            if trial.path not in found:
                found[trial.path] = fitted(suite, trial, folder.path / FAIR)
    return sorted(found.values(), key=lambda trial: trial.seed)


def _run_shown(
    trials: Sequence[Trial], display: Callable[[Sequence[Trial]], Display], *how: Any
) -> bool:
    if not trials:
        return True
    with display(trials) as shown:
        return run_trials(trials, shown, jobs=how[0], gpus=how[1])


def run_trials(
    trials: Sequence[Trial], display: Display, *, jobs: int | None = None, gpus: float = 0.0
) -> bool:
    """Run the trials that are not done.

    Args:
        trials: The trials, in the order in which they start.
        display: Shows the progress.
        jobs: Trials at the same time on this machine. None means one for each core. On the cluster
            at RAY_ADDRESS, its cores decide.
        gpus: The share of a GPU that each trial gets.

    Returns:
        Whether no interruption came.
    """
    waiting = [trial for trial in trials if trial.status() != DONE]
    if not waiting:
        return True
    with _ray(jobs), Interrupts() as interrupts:
        remote = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=_CRASHES)(_work)
        running = {remote.remote(trial): trial for trial in waiting}
        while running and not interrupts.came:
            done, _ = ray.wait([*running], timeout=_WAIT)
            for reference in done:
                _note_crash(running.pop(reference), reference)
            display.update()
        if running:
            display.say("interrupted: the trials save what they have learned")
            _stop([*running])
    display.update(now=True)
    return not running


def _work(trial: Trial) -> bool:
    return work_on(trial)


@contextmanager
def _ray(jobs: int | None) -> Iterator[None]:
    """Connect to Ray, or start it on this machine for as long as the block lasts."""
    alone = not ray.is_initialized()
    if alone:
        start_ray(jobs or os.cpu_count() or 1, exactly=jobs is not None)
    try:
        yield
    finally:
        if alone:
            ray.shutdown()


def _note_crash(trial: Trial, reference: Any) -> None:
    """Record a trial whose process was lost; other failures have been recorded there."""
    try:
        ray.get(reference)
    except RayError as error:
        with contextlib.suppress(OSError):  # a full disk must not stop the other trials
            note_failure(trial, error)


def _stop(references: list[Any]) -> None:
    """Interrupt the trials, and wait until they have saved."""
    for reference in references:
        ray.cancel(reference)
    end = time.monotonic() + _PATIENCE
    while references and time.monotonic() < end:
        _, references = ray.wait(references, num_returns=len(references), timeout=_WAIT)
