"""Tells a wrong argument from a broken environment when one cannot be made or closed."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from popgym.runs.errors import BrokenEnvironmentError, RunError, describe, origin

_GYMNASIUM = "gymnasium.envs.registration"
_CALLERS = ("popgym.runs.environment", _GYMNASIUM, "popgym.envs.publish")
"""The modules that call constructors with the user's options, or check the options."""


@contextmanager
def blaming(name: str, arguments: Mapping[str, Any]) -> Iterator[None]:
    """Turn errors that occur while an environment is made into errors that name the cause.

    Args:
        name: The environment's name, for the message.
        arguments: The arguments of its constructor.

    Raises:
        ValueError: If the environment refuses its arguments.
        BrokenEnvironmentError: If making it fails in another way.
    """
    with_options = f" with options {dict(arguments)}" if arguments else ""
    try:
        yield
    except (ValueError, RunError):
        raise
    except Exception as error:
        cause: BaseException = error
        if origin(error) == _GYMNASIUM and isinstance(error.__context__, TypeError):
            cause = error.__context__  # gymnasium.make raises it again with a longer message
        if isinstance(cause, TypeError) and _refuses(cause, arguments):
            raise ValueError(f"environment {name}{with_options}: {cause}") from error
        raise BrokenEnvironmentError(
            f"environment {name}{with_options} cannot be made: {describe(cause)}"
        ) from error


def _refuses(error: TypeError, arguments: Mapping[str, Any]) -> bool:
    """Return whether the constructor, or a call to which it passes the options, refuses them."""
    unexpected = re.search(r"unexpected keyword argument '(\w+)'", str(error))
    passed_on = unexpected is not None and unexpected[1] in arguments
    return passed_on or origin(error) in _CALLERS


@contextmanager
def closing(env: Any, name: str) -> Iterator[None]:
    """Close an environment at the end of the block.

    Raises:
        BrokenEnvironmentError: If closing it fails.
    """
    try:
        yield
    except BaseException:
        with contextlib.suppress(BrokenEnvironmentError):  # the first error is the one to report
            close(env, name)
        raise
    close(env, name)


def close(env: Any, name: str) -> None:
    """Close an environment or a vector environment.

    Raises:
        BrokenEnvironmentError: If closing it fails.
    """
    try:
        env.close()
    except Exception as error:
        # Otherwise a vector environment tries again when it is garbage-collected.
        env.unwrapped.closed = True
        raise BrokenEnvironmentError(
            f"environment {name} failed in close(): {describe(error)}"
        ) from error
