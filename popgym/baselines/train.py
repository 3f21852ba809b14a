"""``popgym.train`` and ``popgym.resume``, which train a policy and write a run folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from popgym.baselines.build import running_algorithm
from popgym.baselines.checkpoint_files import NEEDED
from popgym.baselines.checks import check
from popgym.baselines.given import named, source_again
from popgym.baselines.loop import Until, iterate_until_done
from popgym.baselines.remote import cause_of
from popgym.baselines.restoring import restore
from popgym.memory.registry import find_memory
from popgym.runs.errors import RunError
from popgym.runs.folder import RunFolder
from popgym.runs.interrupts import Interrupts
from popgym.runs.layout import CONFIG
from popgym.runs.lock import locked
from popgym.runs.policy import Policy
from popgym.runs.resuming import Start
from popgym.runs.rollout_length import with_rollout
from popgym.runs.settings import Settings
from popgym.runs.settings_given import merge
from popgym.runs.source import Env, Source, source_of

_FINISHING = "finishing this iteration, then saving; press Ctrl-C again to stop at once"


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
    until: Until | None = None,
    **settings: Any,
) -> Run:
    """Train a policy.

    Args:
        env: A popgym environment, a Gymnasium id, ``module:Class``, or a callable that makes an
            environment, such as ``lambda: MyEnv(3)``.
        memory: A popgym memory, or ``module:Class``.
        out: The run folder. None means a new one in ``runs/``.
        progress: Whether to display progress on standard error.
        until: Called with each row of progress.csv; training ends early once it returns True.
        **settings: See ``popgym.runs.settings.Settings``; for example ``steps=1_000_000``,
            ``memory_options={"stack_size": 8}``.

    Returns:
        The run. Its field ``interrupted`` is true if Ctrl-C ended it.

    Raises:
        ValueError: If a name is unknown or a value is out of range.
        TypeError: If a value has the wrong type, for example an environment instance.
        RunError: If an environment fails, or the loss is no longer finite.
        SystemExit: If SIGTERM or SIGHUP ended the run, after it was saved, with status 143 or 129.
            A handler of yours for the signal is called instead, and the run is returned.
    """
    source = source_of(env)
    _check(memory, until)
    chosen = Settings.from_dict(merge({"env": source.name, "memory": memory}, settings))
    source = named(source, chosen)
    chosen = with_rollout(replace(chosen, env=source.name), source).resolved()
    folder = RunFolder.create(check(chosen, source), out)
    with locked(folder.path, "the run"):
        return _train(folder, source, progress=progress, until=until)


def resume(
    path: str | Path,
    env: Env | None = None,
    *,
    steps: int | None = None,
    stop_at: float | None = None,
    progress: bool = True,
    until: Until | None = None,
    trust: bool = False,
) -> Run:
    """Resume a run from its last checkpoint that is not damaged.

    A damaged checkpoint is passed over with a warning, and progress.csv is restored with a warning
    if it does not have the rows that the checkpoint has.

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
        until: As in ``train``.
        trust: Whether you trust whoever made the run folder. A checkpoint can run any code when it
            is read. It is not needed for runs that you trained yourself: their checkpoints are
            signed with your key, see ``popgym.runs.signature``.

    Returns:
        The run, as in ``train``.

    Raises:
        ValueError: If there is no run or no checkpoint, all checkpoints are damaged, config.json
            has other settings than the checkpoint, one of the run's files is a link, another
            process trains the run, it has made more than ``steps`` already, or trust is needed.
        RunError: As in ``train``.
        SystemExit: As in ``train``.
    """
    _check("", until)
    folder = RunFolder.open(path, trust)
    folder.latest_checkpoint()
    for name in folder.settings.code:
        folder.trust.check(name, folder.path / CONFIG)
    find_memory(folder.settings.memory)  # a class that is gone is named before all else
    given = {"steps": steps, "stop_at": stop_at}
    changed: Any = {name: value for name, value in given.items() if value is not None}
    wanted = replace(folder.settings, **changed)
    with locked(folder.path, "the run"):
        start = Start.find(folder, NEEDED)
        folder.trust.check_pickles(start.checkpoint.path)
        source = source_again(folder, env)
        _refuse_fewer(folder, start.steps_made(), steps)
        check(wanted, source)
        folder.settings = wanted
        return _train(folder, source, start=start, progress=progress, until=until)


def _check(memory: Any, until: Any) -> None:
    if not isinstance(memory, str):
        is_class = isinstance(memory, type)
        kind = f"the class {memory.__name__}" if is_class else f"a {type(memory).__name__}"
        raise TypeError(f"memory must be a name, such as gru or my_module:MyMemory, got {kind}")
    if until is not None and not callable(until):
        raise TypeError(f"until must be a function of a row of progress.csv, got {until!r}")


def _refuse_fewer(folder: RunFolder, made: int, steps: int | None) -> None:
    if isinstance(steps, int) and steps < min(made, folder.settings.steps):
        raise ValueError(
            f"{folder.path} has made {made:,} steps already, which are not taken back: steps must "
            f"be more than that to continue, got {steps:,}"
        )


def _train(
    folder: RunFolder,
    source: Source,
    *,
    start: Start | None = None,
    progress: bool,
    until: Until | None,
) -> Run:
    """Train until the run is complete or interrupted.

    A new run that fails before its first row of progress leaves no files behind.

    Args:
        folder: The run.
        source: Its environment.
        start: What it is resumed from. None: it is new.
        progress: As in ``train``.
        until: As in ``train``.
    """
    try:
        with (
            running_algorithm(folder.settings, source) as algorithm,
            Interrupts(_FINISHING, f"resume with: {_resuming(folder)}") as interrupts,
        ):
            if start is not None:
                restore(algorithm, start)
                folder.change()
            interrupted = not iterate_until_done(algorithm, folder, interrupts, progress, until)
    except BaseException as error:
        if start is None:
            folder.discard_if_empty()
        cause = cause_of(error)
        if isinstance(cause, RunError) and folder.rows():
            raise type(cause)(f"{cause}; {_advice(folder)}") from error
        if cause is not error:
            raise cause from error
        raise
    return Run(folder, interrupted)


def _advice(folder: RunFolder) -> str:
    try:
        iteration, _ = folder.latest_checkpoint()
    except ValueError:
        return "there is no checkpoint: train again"
    return f"resume from iteration {iteration} with: {_resuming(folder)}"


def _resuming(folder: RunFolder) -> str:
    return f"popgym train --resume {folder.path}"
