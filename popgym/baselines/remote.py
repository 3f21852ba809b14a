"""What an error that comes out of Ray stands for."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray.exceptions import RayActorError, RayError, RayTaskError, UserCodeException
from ray.rllib.env.env_runner_group import EnvRunnerGroup

from popgym.runs.errors import RunError

# The class of an actor, as Ray knows it, and what it is.
_KINDS = {"RolloutRunner": "a runner", "_WrappedExecutable": "a learner"}


def cause_of(error: BaseException) -> BaseException:
    """What went wrong in truth: the exception raised in an actor, as if it were raised here.

    Returns:
        The innermost error that is not Ray's; else a `RunError` that says which actor was lost,
        or what Ray reports. An error that is not Ray's is returned as it is.
    """
    if not isinstance(error, RayError):
        return error
    inner = _inner(error)
    if inner is not None:
        return error_in_text(error, inner) or cause_of(inner)
    if isinstance(error, RayActorError):
        return RunError(f"a Ray actor was lost: {_lost(error)}")
    return RunError(f"Ray failed: {type(error).__name__}: {_last_line(str(error))}")


def error_in_text(error: RayError, inner: BaseException) -> RunError | None:
    """A `RunError` for an exception that could not travel, of which Ray has only the text."""
    if isinstance(error, RayTaskError) and type(inner) is RayError:
        return RunError(_last_line(error.traceback_str))
    return None


def _inner(error: RayError) -> BaseException | None:
    """What Ray has put into an error of its own."""
    inner: Any = None
    if isinstance(error, RayTaskError):
        inner = error.cause
    elif isinstance(error, RayActorError):  # in its constructor
        inner = error.args[0] if error.args else None
    elif isinstance(error, UserCodeException):
        inner = error.__cause__
    return inner if isinstance(inner, BaseException) else None


def _lost(error: RayActorError) -> str:
    """Which actor, and why."""
    text = str(error)
    facts = dict(re.findall(r"^\s*(class_name|pid): (\S+)", text, re.MULTILINE))
    who = _KINDS.get(facts.get("class_name", "").rpartition(".")[2], "one")
    if "pid" in facts:
        who += f" (process {facts['pid']})"
    lines = [line.strip() for line in text.splitlines() if not re.match(r"\s*\w+: \S+$", line)]
    return f"{who}: {lines[-1] if lines else type(error).__name__}"


def _last_line(text: str) -> str:
    return ([line.strip() for line in text.splitlines() if line.strip()] or [""])[-1]


@contextmanager
def failing_constructors_told() -> Iterator[None]:
    """Raises the error of a runner that cannot be made.

    RLlib logs it, goes on without the runner and fails for want of any with an IndexError.
    """

    def add_workers(group: EnvRunnerGroup, num_workers: int, validate: bool = False) -> None:
        original(group, num_workers, validate=False)
        for result in group._worker_manager.foreach_actor(lambda runner: runner.assert_healthy()):
            error = None if result.ok else result.get()
            if isinstance(error, RayActorError) and error.actor_init_failed:
                raise cause_of(error) from error

    original = EnvRunnerGroup.add_workers
    EnvRunnerGroup.add_workers = add_workers
    try:
        yield
    finally:
        EnvRunnerGroup.add_workers = original


@contextmanager
def short_logs() -> Iterator[None]:
    """Makes a line of what RLlib logs of actors in many, and only of actors that were lost.

    What an actor raises is raised here too, and told by whoever catches it.
    """
    logger = logging.getLogger("ray.rllib.utils.actor_manager")
    logger.addFilter(_shorten)
    try:
        yield
    finally:
        logger.removeFilter(_shorten)


def _shorten(record: logging.LogRecord) -> bool:
    if isinstance(record.msg, BaseException):  # told before, when it came
        return False
    error = sys.exc_info()[1]
    if record.levelno < logging.ERROR or not isinstance(error, RayError):
        return True
    record.msg, record.args = str(cause_of(error)), ()
    return is_lost(error)


def is_lost(error: RayError) -> bool:
    """Whether an error is the end of an actor, rather than something that code in it has raised."""
    return isinstance(error, RayActorError) and not isinstance(_inner(error), RayError)
