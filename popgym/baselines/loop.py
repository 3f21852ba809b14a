"""The loop of a training run: iterate, record and save until the run is complete."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from ray.rllib.utils.metrics import (
    ENV_RUNNER_RESULTS,
    LEARNER_RESULTS,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
)

import popgym.envs
from popgym.baselines.ppo import RecurrentPPO
from popgym.baselines.rows import progress_row, to_tensorboard
from popgym.baselines.saving import save, save_snapshot
from popgym.baselines.tensorboard import Events
from popgym.runs.curve import draw_curve
from popgym.runs.errors import RunError
from popgym.runs.folder import RunFolder
from popgym.runs.interrupts import Interrupts
from popgym.runs.layout import CURVE
from popgym.runs.names import is_ours, resolve
from popgym.runs.progress import progress_display
from popgym.runs.settings import Settings
from popgym.runs.source import is_given
from popgym.runs.stopping import RecentReturn
from popgym.runs.title import title_of

Until = Callable[[Mapping[str, Any]], bool]
"""Takes a row of progress.csv, and says whether training ends after it."""

_PATIENCE = 10  # iterations in a row without an answer from any runner
_SAVE_SECONDS = 60.0  # between checkpoints, if the settings say nothing


def iterate_until_done(
    algorithm: RecurrentPPO,
    folder: RunFolder,
    interrupts: Interrupts,
    progress: bool,
    until: Until | None = None,
) -> bool:
    """Train until all steps are made, ``stop_at`` is reached or ``until`` says so.

    Returns:
        Whether the run is complete. It is not if it was interrupted.
    """
    settings = folder.settings
    saved, iteration, steps = 0, algorithm.iteration, _steps_made(algorithm)
    ended = False
    folder.keep_snapshots(steps)
    rows = folder.rows()
    recent = RecentReturn(settings.stop_at, settings.stop_episodes, rows)
    _warn_if_complete(folder, steps, recent)
    began = time.monotonic() - max((row["seconds"] for row in rows), default=0.0)
    timer = _SaveTimer(settings.checkpoint_every)
    if algorithm.eval_env_runner is not None:  # an evaluation may never end
        algorithm.eval_env_runner.give_up = lambda: interrupts.came is not None
    try:
        with _recording(folder, steps, progress) as record:
            while steps < settings.steps and not (recent.reached or ended or interrupts.came):
                result, before = _iterate(algorithm), steps
                row = progress_row(result, time.monotonic() - began, settings.eval_every)
                iteration, steps = row["iteration"], row["steps"]
                record(row)
                recent.add(row)
                if _passes_snapshot(settings, before, steps):
                    save_snapshot(algorithm, folder, steps)
                if timer.is_due(iteration):
                    save(algorithm, folder, iteration)
                    saved = iteration
                ended = until is not None and until(row)
    except KeyboardInterrupt:
        pass  # the second Ctrl-C; what was learned so far is saved below
    if not iteration:
        raise KeyboardInterrupt
    if saved != iteration:
        save(algorithm, folder, iteration)
    _draw(folder)
    return steps >= settings.steps or recent.reached or ended


def _warn_if_complete(folder: RunFolder, steps: int, recent: RecentReturn) -> None:
    done = ""
    if steps >= folder.settings.steps:
        done = f"has made {steps:,} steps already; choose a larger --steps to continue"
    elif recent.reached:
        done = (
            f"has reached a mean return of {folder.settings.stop_at:g} already; "
            "choose a larger --stop-at to continue"
        )
    if done:
        warnings.warn(f"{folder.path} {done}", stacklevel=5)


@contextlib.contextmanager
def _recording(folder: RunFolder, steps: int, progress: bool) -> Iterator[Any]:
    """Give a function that writes a row to progress.csv, TensorBoard and the display."""
    show: Any = contextlib.nullcontext()
    if progress:
        show = progress_display(folder.settings.steps, steps)
    events = Events(folder.path, steps)

    def record(row: dict[str, Any]) -> None:
        folder.append(row)
        to_tensorboard(events, row)
        if display is not None:
            display.update(row)

    try:
        with show as display:
            yield record
    finally:
        events.close()


def _passes_snapshot(settings: Settings, before: int, after: int) -> bool:
    """Return whether a policy must be kept after these steps; the last is at the run's end."""
    every = settings.steps / max(1, settings.snapshots)
    return settings.snapshots > 0 and before // every < after // every


class _SaveTimer:
    """Tells when a checkpoint is due: every so many iterations, or once a minute."""

    def __init__(self, every: int | None) -> None:
        self.every, self.last = every, time.monotonic()

    def is_due(self, iteration: int) -> bool:
        if self.every is not None:
            return iteration % self.every == 0
        now = time.monotonic()
        if now - self.last < _SAVE_SECONDS:
            return False
        self.last = now
        return True


def _steps_made(algorithm: RecurrentPPO) -> int:
    counter = (ENV_RUNNER_RESULTS, NUM_ENV_STEPS_SAMPLED_LIFETIME)
    return int(algorithm.metrics.peek(counter, default=0))


def _iterate(algorithm: RecurrentPPO) -> dict[str, Any]:
    """Train for one iteration in which the learner made updates.

    If a runner is lost, an iteration may have no data. RLlib restarts the runner, so the iteration
    is tried again.

    Raises:
        RunError: If no runner answers in several iterations in a row.
    """
    for _ in range(_PATIENCE):
        with np.errstate(all="ignore"):  # the learner checks for values that are not finite
            result = algorithm.train()
        if LEARNER_RESULTS in result:
            return result
    raise RunError(f"no runner answered {_PATIENCE} times in a row")


def _draw(folder: RunFolder) -> None:
    settings = folder.settings
    try:
        draw_curve(folder.path / CURVE, folder.rows(), title_of(settings), _references(settings))
    except OSError as error:
        warnings.warn(f"cannot write {folder.path / CURVE} ({error.strerror})", stacklevel=3)


def _references(settings: Settings) -> dict[str, float]:
    """Return the mean returns of the reference players of the run's environment.

    There are none if the environment is not popgym's, or its options or wrappers change it.
    """
    changed = settings.env_options or settings.wrappers
    target = None if changed or is_given(settings.env) else resolve(settings.env)
    if target is None or not is_ours(target):
        return {}
    scores = popgym.envs.reference_scores(target) or {}
    return {player: score.mean for player, score in scores.items()}
