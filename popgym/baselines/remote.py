"""Finds the cause of an error that Ray raises."""

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

# The class name of an actor -> what messages call it.
_KINDS = {"RolloutRunner": "a runner", "_WrappedExecutable": "a learner"}


def cause_of(error: BaseException) -> BaseException:
    """Return the exception that an actor raised, if ``error`` is Ray's report of it.

    Returns:
        The innermost error that is not Ray's. If there is none, a ``RunError`` that says which
        actor was lost, or what Ray reports. An error that is not Ray's is returned unchanged.
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
    """Return a ``RunError`` if Ray has only the text of an exception that cannot be pickled."""
    if isinstance(error, RayTaskError) and type(inner) is RayError:
        return RunError(_last_line(error.traceback_str))
    return None


def _inner(error: RayError) -> BaseException | None:
    """Return the error that is wrapped in one of Ray's errors."""
    inner: Any = None
    if isinstance(error, RayTaskError):
        inner = error.cause
    elif isinstance(error, RayActorError):  # raised in the actor's constructor
        inner = error.args[0] if error.args else None
    elif isinstance(error, UserCodeException):
        inner = error.__cause__
    return inner if isinstance(inner, BaseException) else None


def _lost(error: RayActorError) -> str:
    """Say which actor was lost, and why."""
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
    """Raise the error of a runner whose constructor fails.

    Without this, RLlib logs the error and continues without the runner. If no runner is left, it
    fails with an IndexError.
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
    """Shorten RLlib's log messages about lost actors to one line, and drop those about errors.

    The errors that actors raise are raised in this process too and reported there.
    """
    logger = logging.getLogger("ray.rllib.utils.actor_manager")
    logger.addFilter(_shorten)
    try:
        yield
    finally:
        logger.removeFilter(_shorten)


def _shorten(record: logging.LogRecord) -> bool:
    if isinstance(record.msg, BaseException):  # was reported when it was raised
        return False
    error = sys.exc_info()[1]
    if record.levelno < logging.ERROR or not isinstance(error, RayError):
        return True
    record.msg, record.args = str(cause_of(error)), ()
    return is_lost(error)


def is_lost(error: RayError) -> bool:
    """Return whether an error means that an actor has ended, not that its code has raised."""
    return isinstance(error, RayActorError) and not isinstance(_inner(error), RayError)
