"""Whose fault it is when an environment cannot be made or closed, in one line."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from popgym.runs.errors import BrokenEnvironmentError, RunError, describe, origin

_GYMNASIUM = "gymnasium.envs.registration"
_CALLERS = ("popgym.runs.environment", _GYMNASIUM, "popgym.envs.publish")
"""The modules that call constructors with the user's options, or check these."""


@contextmanager
def blaming(name: str, arguments: Mapping[str, Any]) -> Iterator[None]:
    """Tells options that an environment refuses from what fails while it is made."""
    with_options = f" with options {dict(arguments)}" if arguments else ""
    try:
        yield
    except (ValueError, RunError):
        raise
    except Exception as error:
        cause: BaseException = error
        if origin(error) == _GYMNASIUM and isinstance(error.__context__, TypeError):
            cause = error.__context__  # gymnasium.make raises it anew with a longer message
        if isinstance(cause, TypeError) and _refuses(cause, arguments):
            raise ValueError(f"environment {name}{with_options}: {cause}") from error
        raise BrokenEnvironmentError(
            f"environment {name}{with_options} cannot be made: {describe(cause)}"
        ) from error


def _refuses(error: TypeError, arguments: Mapping[str, Any]) -> bool:
    """Whether a call did not fit, its own or one that the options were passed on to."""
    unexpected = re.search(r"unexpected keyword argument '(\w+)'", str(error))
    passed_on = unexpected is not None and unexpected[1] in arguments
    return passed_on or origin(error) in _CALLERS


@contextmanager
def closing(env: Any, name: str) -> Iterator[None]:
    """Closes an environment in the end.

    Raises:
        BrokenEnvironmentError: when that fails.
    """
    try:
        yield
    except BaseException:
        with contextlib.suppress(BrokenEnvironmentError):  # what came first is to be told
            close(env, name)
        raise
    close(env, name)


def close(env: Any, name: str) -> None:
    """Closes an environment, or a vector of them.

    Raises:
        BrokenEnvironmentError: when that fails.
    """
    try:
        env.close()
    except Exception as error:
        env.unwrapped.closed = True  # or a vector environment tries again when it is collected
        raise BrokenEnvironmentError(
            f"environment {name} failed in close(): {describe(error)}"
        ) from error
