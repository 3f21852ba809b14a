"""From the name of an environment to many of them, stepped together.

A name is one of ours (``RepeatPreviousEasy``), any Gymnasium id (``CartPole-v1``) or
``module:Class`` for a class of one's own.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import multiprocessing
import signal
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.wrappers import TimeLimit

import popgym.envs
from popgym.core.nearest import nearest
from popgym.core.time_limit import read_limit
from popgym.envs.registry import ENTRIES
from popgym.runs.settings import VECTORIZATIONS


def resolve(name: str) -> str | type[gym.Env]:
    """What ``name`` stands for: a Gymnasium id, or an environment class that has none of ours.

    Raises:
        ValueError: for an unknown name, with the nearest known ones; for a module that cannot
            be imported or has no such class.
    """
    if ":" in name:
        return _user_class(name)
    if name in gym.registry:
        return name
    try:
        return popgym.envs.lookup(name)
    except ValueError:
        close = nearest(name, [*ENTRIES, *gym.registry])
        hint = f"did you mean {' or '.join(close)}?" if close else "`popgym envs` lists ours."
        raise ValueError(
            f"there is no environment {name!r}; {hint} A Gymnasium id or module:Class works too"
        ) from None


def _user_class(name: str) -> str | type[gym.Env]:
    module_name, _, attribute = name.partition(":")
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise ValueError(f"environment {name!r} must be module:Class, as in my_package.worlds:Mine")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ValueError(
            f"environment {name!r}: cannot import module {module_name!r} ({error}); run from the "
            "folder that holds it or install it"
        ) from error
    found = getattr(module, attribute, None)
    if isinstance(found, type) and issubclass(found, gym.Env):
        entry = ENTRIES.get(found.__name__)
        return entry.id if entry is not None and entry.env_class is found else found
    if found is None and attribute in gym.registry:
        return attribute  # Gymnasium's own "module:Id-v0", registered by importing the module
    what = "has no such name" if found is None else f"has a {type(found).__name__} there"
    raise ValueError(
        f"environment {name!r}: module {module_name!r} {what}; it must be a gymnasium.Env class"
    )


def make_environments(
    name: str,
    num_envs: int,
    options: Mapping[str, Any] | None = None,
    vectorization: str = "sync",
) -> VectorEnv:
    """``num_envs`` environments behind one vector interface that resets within the step.

    Same-step autoreset makes every step a real transition, which a recurrent learner wants:
    the observation after an ending is the next episode's first, and the last one of a truncated
    episode is in ``info["final_obs"]``.

    Args:
        name: see the module.
        num_envs: how many.
        options: arguments of the environment's constructor, and ``max_episode_steps``: after how
            many steps an episode is truncated, for every kind of environment.
        vectorization: for environments without a native vector form: "sync", one after another,
            or "async", each in a process of its own.

    Raises:
        ValueError: for unknown names and for arguments that the environment refuses.
    """
    if vectorization not in VECTORIZATIONS:
        raise ValueError(f"vectorization must be one of {VECTORIZATIONS}, got {vectorization!r}")
    target = resolve(name)
    arguments = _read_arguments(target, options)
    mode = AutoresetMode.SAME_STEP
    try:
        if isinstance(target, str) and _is_native(target):
            return gym.make_vec(target, num_envs, autoreset_mode=mode, **arguments)
        vector_class = SyncVectorEnv if vectorization == "sync" else AsyncVectorEnv
        make = [lambda: _make_worker(target, arguments)] * num_envs
        return vector_class(make, autoreset_mode=mode)
    except TypeError as error:
        raise ValueError(f"environment {name!r} with options {arguments}: {error}") from error


def make_one(name: str, options: Mapping[str, Any] | None = None, **more: Any) -> gym.Env:
    """One environment by the same names.

    Raises:
        ValueError: as `make_environments`.
    """
    target = resolve(name)
    return _make_one(target, {**_read_arguments(target, options), **more})


def _read_arguments(
    target: str | type[gym.Env], options: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The options, once a limit of steps among them is known to be one.

    Raises:
        ValueError: If ``max_episode_steps`` is no whole number of at least 1.
    """
    arguments = dict(options or {})
    if "max_episode_steps" in arguments and not _limits_itself(target):
        read_limit(arguments["max_episode_steps"])
    return arguments


def _limits_itself(target: str | type[gym.Env]) -> bool:
    """Whether a class has an argument ``max_episode_steps`` of its own."""
    return isinstance(target, type) and "max_episode_steps" in inspect.signature(target).parameters


def _make_one(target: str | type[gym.Env], arguments: dict[str, Any]) -> gym.Env:
    if isinstance(target, str) and not any(target in entry.ids for entry in ENTRIES.values()):
        return gym.make(target, **arguments)
    if not isinstance(target, str) and _limits_itself(target):
        return target(**arguments)
    rest, limit = _without_limit(arguments)
    if not isinstance(target, str):
        return target(**rest) if limit is None else TimeLimit(target(**rest), limit)
    spec = copy.copy(gym.spec(target))
    spec.kwargs = {**spec.kwargs, "max_episode_steps": limit}  # counted within, not in a wrapper
    return gym.make(spec, **rest)


def _without_limit(arguments: dict[str, Any]) -> tuple[dict[str, Any], int | None]:
    """The arguments of a constructor that takes no limit, and the limit."""
    rest = {name: value for name, value in arguments.items() if name != "max_episode_steps"}
    return rest, read_limit(arguments.get("max_episode_steps"))


def _make_worker(target: str | type[gym.Env], arguments: dict[str, Any]) -> gym.Env:
    """An environment for one place of a vector, maybe in a process of its own."""
    if multiprocessing.current_process().name.startswith("Worker<AsyncVectorEnv>"):
        # A terminal sends Ctrl-C to all processes; the main one ends the others in good order.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return _make_one(target, arguments)


def _is_native(target: str) -> bool:
    return target.startswith("popgym-")
