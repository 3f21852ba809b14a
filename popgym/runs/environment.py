"""From the name of an environment to many of them, stepped together.

A name is one of ours (``RepeatPreviousEasy``), any Gymnasium id (``CartPole-v1``) or
``module:Class`` for a class of one's own.
"""

from __future__ import annotations

import copy
import multiprocessing
import signal
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv

import popgym.envs
from popgym.core.nearest import nearest
from popgym.envs.registry import ENTRIES
from popgym.importing import import_user_module
from popgym.runs.settings import VECTORIZATIONS, Settings


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
    module = import_user_module(f"environment {name!r}", module_name)
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
        options: arguments of the environment's constructor.
        vectorization: for environments without a native vector form: "sync", one after another,
            or "async", each in a process of its own.

    Raises:
        ValueError: for unknown names and for arguments that the environment refuses.
    """
    if vectorization not in VECTORIZATIONS:
        raise ValueError(f"vectorization must be one of {VECTORIZATIONS}, got {vectorization!r}")
    target = resolve(name)
    arguments = dict(options or {})
    mode = AutoresetMode.SAME_STEP
    try:
        if isinstance(target, str) and _is_native(target):
            return gym.make_vec(target, num_envs, autoreset_mode=mode, **arguments)
        make = [lambda: _make_worker(target, arguments)] * num_envs
        if vectorization == "sync":
            return SyncVectorEnv(make, autoreset_mode=mode)
        try:
            return AsyncVectorEnv(make, autoreset_mode=mode)
        except TypeError:  # shared memory holds no float16; a mistake in `arguments` comes again
            return AsyncVectorEnv(make, autoreset_mode=mode, shared_memory=False)
    except TypeError as error:
        raise ValueError(f"environment {name!r} with options {arguments}: {error}") from error


def make_one(name: str, options: Mapping[str, Any] | None = None, **more: Any) -> gym.Env:
    """One environment by the same names.

    Raises:
        ValueError: as `make_environments`.
    """
    return _make_one(resolve(name), {**(options or {}), **more})


def environment_of_run(
    settings: Settings, name: str | None, options: Mapping[str, Any] | None
) -> tuple[str, dict[str, Any]]:
    """Return what the policy of a run is to play: its own environment, or another.

    Args:
        settings: of the run.
        name: the environment; None: the run's.
        options: arguments of the constructor. They come before those of the run where the
            environment is the run's, and are all that is set where it is another.

    Raises:
        ValueError: If there is no such environment.
    """
    if name is None or resolve(name) == resolve(settings.env):
        return settings.env, {**settings.env_options, **(options or {})}
    return name, dict(options or {})


def _make_one(target: str | type[gym.Env], arguments: dict[str, Any]) -> gym.Env:
    return gym.make(target, **arguments) if isinstance(target, str) else target(**arguments)


def _make_worker(target: str | type[gym.Env], arguments: dict[str, Any]) -> gym.Env:
    """An environment for one place of a vector, maybe in a process of its own."""
    if multiprocessing.current_process().name.startswith("Worker<AsyncVectorEnv>"):
        # A terminal sends Ctrl-C to all processes; the main one ends the others in good order.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return _OwnArrays(_make_one(target, arguments))


class _OwnArrays(gym.Wrapper):
    """Copies observations and actions, for environments that reuse or change their arrays.

    A vector environment keeps the last observation of an episode while it begins the next one,
    and the runner keeps the actions.
    """

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        obs, info = self.env.reset(**kwargs)
        return copy.deepcopy(obs), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        obs, reward, terminated, truncated, info = self.env.step(copy.deepcopy(action))
        return copy.deepcopy(obs), reward, terminated, truncated, info


def _is_native(target: str) -> bool:
    return target.startswith("popgym-")
