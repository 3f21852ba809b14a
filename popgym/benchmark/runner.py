"""Runs the trials of a benchmark side by side on Ray."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import ray
from ray.exceptions import RayError

from popgym.baselines.build import start_ray
from popgym.benchmark.choice import choosing_trials, fitted
from popgym.benchmark.display import Display
from popgym.benchmark.store import DONE, FAIR, BenchmarkFolder, Trial
from popgym.benchmark.work import note_failure, work_on
from popgym.runs.interrupts import Interrupts

_PATIENCE = 60.0  # seconds that interrupted trials have to save what they have learned
_CRASHES = 3  # times that a trial may lose its process and start again
_WAIT = 1.0  # seconds between two looks at the trials
_AGAIN = "the same command again goes on"


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
        jobs: Trials at the same time on this machine. None means one for each core. On the cluster
            at RAY_ADDRESS, its cores decide.
        gpus: The share of a GPU that each trial gets.

    Returns:
        Whether no interruption came.

    Raises:
        UntrustedError: If the folder names code of a user's that is not trusted.
    """
    folder.check_code()
    trust = folder.trust.everything
    chosen, mine = folder.path / FAIR, not ray.is_initialized()
    try:
        for suite in folder.suites:
            trials = list(choosing_trials(suite, chosen))
            if not _run_trials(trials, display, jobs, gpus, trust):
                return False
        trials = [fitted(suite, trial, chosen) for suite, trial in folder.wanted()]
        return _run_trials(trials, display, jobs, gpus, trust)
    finally:
        if mine:
            ray.shutdown()


def _run_trials(
    trials: Sequence[Trial],
    make_display: Callable[[Sequence[Trial]], Display],
    jobs: int | None,
    gpus: float,
    trust: bool,
) -> bool:
    """Run the trials that are not done, in this order; return whether no interruption came."""
    waiting = [trial for trial in trials if trial.status() != DONE]
    if not waiting:
        return True
    if not ray.is_initialized():
        start_ray(jobs or os.cpu_count() or 1, exactly=jobs is not None)
    with make_display(trials) as display, Interrupts(advice=_AGAIN) as interrupts:
        remote = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=_CRASHES)(work_on)
        running = {remote.remote(trial, trust): trial for trial in waiting}
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
