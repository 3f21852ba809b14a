"""``popgym.train`` and ``popgym.resume``, which train a policy and write a run folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from popgym.baselines.build import running_algorithm
from popgym.baselines.checks import check
from popgym.baselines.given import named, source_again
from popgym.baselines.loop import iterate_until_done
from popgym.baselines.ppo import RecurrentPPO
from popgym.baselines.remote import cause_of
from popgym.runs.errors import RunError
from popgym.runs.folder import RunFolder
from popgym.runs.interrupts import Interrupts
from popgym.runs.lock import locked
from popgym.runs.policy import Policy
from popgym.runs.rollout_length import with_rollout
from popgym.runs.settings import Settings
from popgym.runs.settings_given import merge
from popgym.runs.source import Env, Source, source_of


@dataclass(frozen=True)
class Run:
    """A run that is complete or was interrupted."""

    folder: RunFolder
    interrupted: bool = False

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.folder.path

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of progress.csv."""
        return self.folder.rows()

    @property
    def final_return(self) -> float | None:
        """Mean return of the last iteration in which an episode ended; None if no episode ended."""
        ended = [r["return_mean"] for r in self.rows if r.get("return_mean") is not None]
        return ended[-1] if ended else None

    def policy(self) -> Policy:
        """Return the trained policy."""
        return self.folder.policy()


def train(
    env: Env,
    memory: str = Settings.memory,
    *,
    out: str | Path | None = None,
    progress: bool = True,
    **settings: Any,
) -> Run:
    """Train a policy.

    Args:
        env: A popgym environment, a Gymnasium id, ``module:Class``, or a callable that makes an
            environment, such as ``lambda: MyEnv(3)``.
        memory: A popgym memory, or ``module:Class``.
        out: The run folder. None means a new one in ``runs/``.
        progress: Whether to display progress on standard error.
        **settings: See ``popgym.runs.settings.Settings``; for example ``steps=1_000_000``,
            ``memory_options={"stack_size": 8}``.

    Returns:
        The run. Its field ``interrupted`` is true if Ctrl-C ended it.

    Raises:
        ValueError: If a name is unknown or a value is out of range.
        TypeError: If a value has the wrong type, for example an environment instance.
        RunError: If an environment fails, or the loss is no longer finite.
    """
    source = source_of(env)
    chosen = Settings.from_dict(merge({"env": source.name, "memory": memory}, settings))
    source = named(source, chosen)
    chosen = with_rollout(replace(chosen, env=source.name), source).resolved()
    folder = RunFolder.create(check(chosen, source), out)
    with locked(folder.path, "the run"):
        return _train(folder, source, resumed=False, progress=progress)


def resume(
    path: str | Path,
    env: Env | None = None,
    *,
    steps: int | None = None,
    stop_at: float | None = None,
    progress: bool = True,
) -> Run:
    """Resume a run from its last checkpoint.

    In one process, popgym's environments continue the episodes that had begun at the checkpoint.
    Other environments, and all environments of remote runners, start new episodes, which the run
    has not played before.

    Args:
        path: The run folder.
        env: The callable, if the run was trained on one. It must be given again, because a run
            folder cannot store it.
        steps: A new total number of environment steps. None keeps the run's own.
        stop_at: A new mean return at which training ends early. None keeps the run's own.
        progress: As in ``train``.

    Returns:
        The run, as in ``train``.

    Raises:
        ValueError: If there is no run or no checkpoint, one of them is damaged, another process
            trains the run, or it has made more than ``steps`` already.
        RunError: As in ``train``.
    """
    folder = RunFolder.open(path)
    folder.latest_checkpoint()
    source = source_again(folder, env)
    _refuse_fewer(folder, steps)
    given = {"steps": steps, "stop_at": stop_at}
    changed: Any = {name: value for name, value in given.items() if value is not None}
    check(replace(folder.settings, **changed), source)
    with locked(folder.path, "the run"):
        folder.change(**changed)
        return _train(folder, source, resumed=True, progress=progress)


def _refuse_fewer(folder: RunFolder, steps: int | None) -> None:
    made = max((row["steps"] for row in folder.rows()), default=0)
    if isinstance(steps, int) and steps < min(made, folder.settings.steps):
        raise ValueError(
            f"{folder.path} has made {made:,} steps already, which are not taken back: steps must "
            f"be more than that to continue, got {steps:,}"
        )


def _train(folder: RunFolder, source: Source, *, resumed: bool, progress: bool) -> Run:
    """Train until the run is complete or interrupted.

    A run that fails before its first row of progress leaves no files behind.
    """
    settings = folder.settings
    try:
        with running_algorithm(settings, source) as algorithm, Interrupts() as interrupts:
            if resumed:
                _restore(algorithm, folder)
            interrupted = not iterate_until_done(algorithm, folder, interrupts, progress)
    except BaseException as error:
        folder.discard_if_empty()
        cause = cause_of(error)
        if isinstance(cause, RunError) and folder.rows():
            raise type(cause)(f"{cause}; {_advice(folder)}") from error
        if cause is not error:
            raise cause from error
        raise
    return Run(folder, interrupted)


def _restore(algorithm: RecurrentPPO, folder: RunFolder) -> None:
    """Restore the algorithm and progress.csv from the last checkpoint."""
    iteration, checkpoint = folder.latest_checkpoint()
    try:
        algorithm.restore_from_path(str(checkpoint.resolve()))
    except Exception as error:
        if isinstance(cause_of(error), RunError):
            raise
        raise ValueError(
            f"{checkpoint} is damaged ({type(error).__name__}: {error}): delete it to resume from "
            "the previous checkpoint, if there is one, or train again"
        ) from error
    folder.keep_rows(iteration)


def _advice(folder: RunFolder) -> str:
    try:
        iteration, _ = folder.latest_checkpoint()
    except ValueError:
        return "there is no checkpoint: train again"
    return f"resume from iteration {iteration} with: popgym train --resume {folder.path}"
