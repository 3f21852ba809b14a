"""Finds and applies wrappers by name: popgym's own, or ``module:Class`` for any other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
from gymnasium.vector import VectorEnv

import popgym.wrappers
from popgym.core.arguments import unknown
from popgym.importing import find_in_user_module
from popgym.runs.errors import BrokenEnvironmentError, describe, origin

Wrapper = str | Callable[[Any], Any]
"""A name, or a callable that takes an environment and returns it wrapped."""

OURS: dict[str, Callable[[Any], Any]] = {
    name: getattr(popgym.wrappers, name)
    for name in popgym.wrappers.__all__
    if not name.startswith("Vector")
}
"""popgym's wrappers by name. Given a vector environment, each returns its vector form."""


def checked_wrappers(wrappers: Any) -> list[Wrapper]:
    """Return wrappers as a list.

    Raises:
        TypeError: If they are not a list, or one of them is neither a name nor a callable.
    """
    if not isinstance(wrappers, (list, tuple)):
        raise TypeError(
            f'wrappers must be a list, such as ["PreviousAction", MyWrapper], got {wrappers!r}'
        )
    for wrapper in wrappers:
        if not isinstance(wrapper, str) and not callable(wrapper):
            raise TypeError(
                f"a wrapper must be a name, or a class or function that is called with the "
                f"environment, got {wrapper!r}"
            )
    return list(wrappers)


def keep_vectors(wrappers: Sequence[Wrapper]) -> bool:
    """Return whether all wrappers accept a vector environment as well as a single one."""
    return all(find_wrapper(wrapper) in OURS.values() for wrapper in wrappers)


def wrap(env: Any, wrappers: Sequence[Wrapper]) -> Any:
    """Wrap an environment, with the last wrapper outermost; close it if a wrapper fails.

    Raises:
        ValueError: If a name is unknown, or a wrapper refuses the environment or needs more
            arguments.
        BrokenEnvironmentError: If a wrapper fails in another way.
    """
    try:
        for wrapper in wrappers:
            env = _wrap(env, wrapper)
    except BaseException:
        env.close()
        raise
    return env


def _wrap(env: Any, wrapper: Wrapper) -> Any:
    name, function = _name(wrapper), find_wrapper(wrapper)
    try:
        wrapped = function(env)
    except ValueError as error:
        raise ValueError(f"wrapper {name}: {error}") from error
    except Exception as error:
        if isinstance(error, TypeError) and origin(error).startswith((__name__, "popgym.wrappers")):
            raise ValueError(
                f"wrapper {name} is called with the environment alone: {error}; to pass more "
                "arguments, write a function that takes the environment, and name it as "
                "module:function"
            ) from error
        raise BrokenEnvironmentError(f"wrapper {name} failed: {describe(error)}") from error
    if not isinstance(wrapped, (gym.Env, VectorEnv)):
        raise ValueError(f"wrapper {name} must return an environment, got {wrapped!r}")
    return wrapped


def find_wrapper(wrapper: Wrapper) -> Callable[[Any], Any]:
    """Return the wrapper of this name.

    Raises:
        ValueError: If there is none. The message says what is allowed.
    """
    if not isinstance(wrapper, str):
        return wrapper
    if wrapper in OURS:
        return OURS[wrapper]
    module_name, colon, attribute = wrapper.partition(":")
    if not colon:
        raise ValueError(f"{unknown('wrapper', wrapper, OURS)}; module:Class works too")
    wanted = f"wrapper {wrapper!r}"
    kind = "a class or function that is called with an environment"
    return find_in_user_module(wanted, module_name, attribute, callable, kind)


def _name(wrapper: Wrapper) -> str:
    return wrapper if isinstance(wrapper, str) else getattr(wrapper, "__name__", repr(wrapper))
