"""Trains the trials of a search on Ray Tune."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray import tune

from popgym.baselines.build import start_ray
from popgym.benchmark.display import Display
from popgym.benchmark.store import DONE
from popgym.benchmark.tuning.asha import FolderASHA
from popgym.benchmark.tuning.store import TuneFolder
from popgym.benchmark.tuning.trainable import NUMBER, TrialRun
from popgym.benchmark.tuning.trial import TuneTrial
from popgym.benchmark.work import note_failure
from popgym.runs.interrupts import Interrupts

_CRASHES = 3  # times that a trial may lose its process and start again
_AGAIN = "the same command again goes on"
_SCRATCH = ".tune"  # Ray Tune's own record, which is thrown away

# Tune prints nothing, writes no logs of its own, leaves the working folder and catches no signals.
_ENVIRONMENT = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
}


class _Watcher(tune.Callback, tune.Stopper):
    """Shows the progress, and stops the search after Ctrl-C."""

    def __init__(self, display: Display, interrupts: Interrupts) -> None:
        self._display, self._interrupts, self._said = display, interrupts, False

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self._display.update()

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        if self._interrupts.came and not self._said:
            self._display.say("interrupted: the trials save what they have learned")
            self._said = True
        return bool(self._interrupts.came)

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles it into its own record


def run_search(
    folder: TuneFolder,
    display: Callable[[Sequence[TuneTrial]], Display],
    *,
    jobs: int | None = None,
    gpus: float = 0.0,
    trust: bool = False,
) -> bool:
    """Run what is left of a search.

    Args:
        folder: The search, locked by the caller.
        display: Makes a display of trials.
        jobs: Trials at the same time on this machine. None means one for each core. On the cluster
            at RAY_ADDRESS, its cores decide.
        gpus: The share of a GPU that each trial gets.
        trust: As for ``popgym.resume``.

    Returns:
        Whether no interruption came.
    """
    # Absolute paths, because the trials' processes may have another working folder.
    trials = [replace(trial, path=trial.path.absolute()) for trial in folder.trials()]
    waiting = [trial for trial in trials if trial.status() != DONE]
    if not waiting:
        return True
    mine = not ray.is_initialized()
    try:
        with _quiet_tune():
            if mine:
                start_ray(jobs or os.cpu_count() or 1, exactly=jobs is not None)
            return _fit(folder, trials, waiting, display, gpus, trust)
    finally:
        if mine:
            ray.shutdown()


def _fit(
    folder: TuneFolder,
    trials: Sequence[TuneTrial],
    waiting: Sequence[TuneTrial],
    make_display: Callable[[Sequence[TuneTrial]], Display],
    gpus: float,
    trust: bool,
) -> bool:
    """Let Tune run the trials that are not done; return whether no interruption came."""
    run = tune.with_parameters(TrialRun, trials=trials, trust=trust)
    with (
        make_display(trials) as display,
        Interrupts(advice=_AGAIN) as interrupts,
        _scratch(folder) as scratch,
    ):
        tuner = tune.Tuner(
            tune.with_resources(run, {"cpu": 1, "gpu": gpus}),
            param_space={NUMBER: tune.grid_search([trial.number for trial in waiting])},
            tune_config=tune.TuneConfig(scheduler=FolderASHA(trials, folder.request.steps)),
            run_config=_run_config(scratch, _Watcher(display, interrupts)),
        )
        _note_crashes(trials, tuner.fit())
        display.update(now=True)
    return not interrupts.came


def _run_config(scratch: Path, watcher: _Watcher) -> tune.RunConfig:
    return tune.RunConfig(
        name="tune",
        storage_path=str(scratch),
        stop=watcher,
        callbacks=[watcher],
        checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),  # a trial saves itself
        failure_config=tune.FailureConfig(max_failures=_CRASHES),
        verbose=0,
    )


def _note_crashes(trials: Sequence[TuneTrial], results: tune.ResultGrid) -> None:
    """Record the trials whose processes were lost; other failures have been recorded there."""
    for result in results:
        if result.error is not None and result.config is not None:
            with contextlib.suppress(OSError):  # a full disk
                note_failure(trials[result.config[NUMBER]], result.error)


@contextlib.contextmanager
def _scratch(folder: TuneFolder) -> Iterator[Path]:
    """Give an empty folder for Tune's own record, beside the trials so that a cluster shares it."""
    path = (folder.path / _SCRATCH).absolute()
    shutil.rmtree(path, ignore_errors=True)  # a killed process may have left it
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _quiet_tune() -> Iterator[None]:
    """Silence what Tune says about itself."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    loggers = [logging.getLogger(name) for name in ("ray.tune", "ray.train")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
