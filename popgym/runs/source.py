"""The source of an environment, a name or a callable, in a form that can be pickled.

Ray actors and worker processes only know what they can import. A ``Source`` also carries what they
cannot import: the callable, or the registration of a Gymnasium id.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import pickle
import sys
from collections.abc import Callable
from typing import Any

import cloudpickle
import gymnasium as gym
from gymnasium.envs.registration import EnvSpec, load_env_creator
from gymnasium.vector import VectorEnv

from popgym.envs.registry import ENTRIES, register
from popgym.runs.errors import describe

Make = Callable[..., gym.Env]

GIVEN = " (callable)"
"""Suffix of the name under which a run folder records a callable."""

LAMBDA = "lambda"


class Source:
    """The name of an environment, or a callable that makes one.

    Args:
        name: The environment's name. For a callable, the name used in messages and config.json.
        make: The callable, or None for a name.
        introduce: A function that registers the name in a process that has only imported popgym,
            or None if that is not needed.
    """

    def __init__(
        self, name: str, make: Make | None = None, introduce: Callable[[], Any] | None = None
    ) -> None:
        self.name = name
        self._make, self._introduce = make, introduce
        self._packed: bytes | None = None

    def get(self) -> str | Make:
        """Return the name or the callable; a name is registered in this process if necessary."""
        if self._packed is not None:
            self._make, self._introduce = pickle.loads(self._packed)
            self._packed = None
            if self._introduce is not None:
                self._introduce()
        return self.name if self._make is None else self._make

    def renamed(self, name: str) -> Source:
        """Return a source of the same callable with another name."""
        return Source(name + GIVEN, self._make, self._introduce)

    def pack(self) -> bytes:
        """Return the callable and the registration, pickled.

        Raises:
            ValueError: If the callable holds something that cannot be pickled.
        """
        if self._packed is not None:
            return self._packed
        try:
            return cloudpickle.dumps((self._make, self._introduce))
        except Exception as error:
            raise ValueError(
                f"environment {self.name} cannot be sent to other processes "
                f"({describe(error)}): use module:Class, or runners=0 and learners=0"
            ) from error

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the source; a callable that cannot be pickled is left out, as in a checkpoint."""
        try:
            return _arrived, (self.name, self.pack())
        except ValueError:
            return Source, (self.name,)

    def __deepcopy__(self, memo: Any) -> Source:
        """Return the same object: a callable need not be copied when RLlib copies its config."""
        return self


def _arrived(name: str, packed: bytes) -> Source:
    source = Source(name)
    source._packed = packed  # unpacked on use, so that an error then names the environment
    return source


Env = str | Make | Source
"""What may be given as an environment."""


def source_of(env: Env) -> Source:
    """Return the source of ``env``; for a class that can be imported, that is its name.

    Raises:
        TypeError: If it is neither a name nor a callable, for example an environment instance.
    """
    if isinstance(env, Source):
        return env
    if isinstance(env, str):
        return Source(env, introduce=_introduction(env))
    if isinstance(env, (gym.Env, VectorEnv)) or not callable(env):
        made = isinstance(env, (gym.Env, VectorEnv))
        kind = f"an environment instance, {env}" if made else repr(env)
        raise TypeError(
            f"env must be a name or a callable that makes an environment, got {kind}: "
            "pass a class, or a function as in lambda: MyEnv(3)"
        )
    name = importable_name(env)
    return source_of(name) if name is not None else Source(label(env) + GIVEN, env)


def is_given(name: str) -> bool:
    """Return whether a name in a run folder refers to a callable that was given in Python."""
    return name.endswith(GIVEN)


def importable_name(env: Make) -> str | None:
    """Return the name by which every process can find a class, or None if there is no such name.

    It is the name of a popgym environment, or ``module:Class``.
    """
    if not isinstance(env, type):
        return None
    entry = ENTRIES.get(env.__name__)
    if entry is not None and entry.env_class is env:
        return entry.name
    if env.__module__ == "__main__":
        return None
    there = getattr(sys.modules.get(env.__module__), env.__name__, None)
    return f"{env.__module__}:{env.__name__}" if there is env else None


def label(make: Any) -> str:
    """Return a short name for a callable."""
    if isinstance(make, functools.partial):
        return label(make.func)
    name = getattr(make, "__name__", type(make).__name__)
    return LAMBDA if name == "<lambda>" else name


def _introduction(name: str) -> Callable[[], Any] | None:
    """Return a function that registers the name in another process, or None if not needed."""
    for entry in ENTRIES.values():
        if name == entry.name or name in entry.ids:
            ours = entry.family.__module__.startswith("popgym.")
            return None if ours else functools.partial(register, entry.family)
    spec = gym.registry.get(name)
    if spec is None:
        return None
    if isinstance(spec.entry_point, str) and spec.entry_point.startswith("__main__:"):
        # If this fails, making the environment fails in the same way and reports the error.
        with contextlib.suppress(Exception):
            entry_point: Any = load_env_creator(spec.entry_point)
            spec = dataclasses.replace(spec, entry_point=entry_point)
    return functools.partial(_register, spec)


def _register(spec: EnvSpec) -> None:
    gym.registry.setdefault(spec.id, spec)
