"""What environments are made from, a name or a callable given in Python, able to travel.

Ray actors and worker processes know only what can be imported there. A `Source` takes along what
they cannot know: the callable, or the registration of a Gymnasium id.
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
"""Ends the name under which a run folder records a callable."""


LAMBDA = "lambda"


class Source:
    """A name or a callable.

    Args:
        name: The environment's name; for a callable, what messages and config.json say.
        make: The callable, if it is one.
        introduce: What makes the name known in a process that has only imported popgym.
    """

    def __init__(
        self, name: str, make: Make | None = None, introduce: Callable[[], Any] | None = None
    ) -> None:
        self.name = name
        self._make, self._introduce = make, introduce
        self._packed: bytes | None = None

    def get(self) -> str | Make:
        """The name or the callable, ready for use in this process."""
        if self._packed is not None:
            self._make, self._introduce = pickle.loads(self._packed)
            self._packed = None
            if self._introduce is not None:
                self._introduce()
        return self.name if self._make is None else self._make

    def renamed(self, name: str) -> Source:
        """The same callable by another name."""
        return Source(name + GIVEN, self._make, self._introduce)

    def pack(self) -> bytes:
        """What has to travel.

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
        """Pickles what travels; a checkpoint does without a callable that cannot."""
        try:
            return _arrived, (self.name, self.pack())
        except ValueError:
            return Source, (self.name,)

    def __deepcopy__(self, memo: Any) -> Source:
        """Itself: RLlib copies its configuration often, and a callable is not data."""
        return self


def _arrived(name: str, packed: bytes) -> Source:
    source = Source(name)
    source._packed = packed  # unpacked on use, so that an error is told of the environment
    return source


Env = str | Make | Source
"""Whatever may stand for an environment."""


def source_of(env: Env) -> Source:
    """The source that ``env`` stands for; a class that can be imported is known by its name.

    Raises:
        TypeError: If it is neither a name nor a callable, such as an environment already made.
    """
    if isinstance(env, Source):
        return env
    if isinstance(env, str):
        return Source(env, introduce=_introduction(env))
    if isinstance(env, (gym.Env, VectorEnv)) or not callable(env):
        made = isinstance(env, (gym.Env, VectorEnv))
        kind = f"an environment already made, {env}" if made else repr(env)
        raise TypeError(
            f"env must be a name or a callable that makes an environment, got {kind}: "
            "pass a class, or a function as in lambda: MyEnv(3)"
        )
    name = importable_name(env)
    return source_of(name) if name is not None else Source(label(env) + GIVEN, env)


def is_given(name: str) -> bool:
    """Whether a name in a run folder stands for a callable that was given in Python."""
    return name.endswith(GIVEN)


def importable_name(env: Make) -> str | None:
    """The name by which any process finds a class: ours, or ``module:Class``; None if none does."""
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
    """A short name for a callable."""
    if isinstance(make, functools.partial):
        return label(make.func)
    name = getattr(make, "__name__", type(make).__name__)
    return LAMBDA if name == "<lambda>" else name


def _introduction(name: str) -> Callable[[], Any] | None:
    """What another process must do to know a name that this one has registered; None: nothing."""
    for entry in ENTRIES.values():
        if name == entry.name or name in entry.ids:
            ours = entry.family.__module__.startswith("popgym.")
            return None if ours else functools.partial(register, entry.family)
    spec = gym.registry.get(name)
    if spec is None:
        return None
    if isinstance(spec.entry_point, str) and spec.entry_point.startswith("__main__:"):
        with contextlib.suppress(Exception):  # making it will fail alike, and tell
            entry_point: Any = load_env_creator(spec.entry_point)
            spec = dataclasses.replace(spec, entry_point=entry_point)
    return functools.partial(_register, spec)


def _register(spec: EnvSpec) -> None:
    gym.registry.setdefault(spec.id, spec)
