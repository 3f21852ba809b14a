"""From the name of an environment to many of them, stepped together.

A name is one of ours (``RepeatPreviousEasy``), any Gymnasium id (``CartPole-v1``) or
``module:Class`` for a class of one's own. In Python it may also be a callable.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.wrappers import TimeLimit

import popgym.envs
from popgym.core.arguments import nearest
from popgym.core.time_limit import read_limit
from popgym.envs.registry import ENTRIES
from popgym.importing import import_user_module
from popgym.runs.blame import blaming, closing
from popgym.runs.settings import VECTORIZATIONS, Settings
from popgym.runs.source import Env, Make, Source, is_given, source_of
from popgym.runs.workers import ProcessVectorEnv
from popgym.runs.wrapping import Wrapper, keep_vectors, wrap


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
    env: Env,
    num_envs: int,
    options: Mapping[str, Any] | None = None,
    vectorization: str = "sync",
    wrappers: Sequence[Wrapper] = (),
) -> VectorEnv:
    """``num_envs`` environments behind one vector interface that resets within the step.

    Same-step autoreset makes every step a real transition, which a recurrent learner wants:
    the observation after an ending is the next episode's first, and the last one of a truncated
    episode is in ``info["final_obs"]``.

    Args:
        env: a name, see the module, or a callable that makes an environment.
        num_envs: how many.
        options: arguments of the environment's constructor, and ``max_episode_steps``: after how
            many steps an episode is truncated, for every kind of environment.
        vectorization: for environments without a native vector form: "sync", one after another,
            or "async", each in a process of its own.
        wrappers: put around each environment in order, see `popgym.runs.wrapping`. Ours keep the
            native vector form; any other gives it up.

    Raises:
        ValueError: for unknown names and for arguments that the environment refuses.
        BrokenEnvironmentError: when an environment or a wrapper cannot be made otherwise.
    """
    if vectorization not in VECTORIZATIONS:
        raise ValueError(f"vectorization must be one of {VECTORIZATIONS}, got {vectorization!r}")
    source, arguments = source_of(env), dict(options or {})
    mode = AutoresetMode.SAME_STEP
    with blaming(source.name, arguments):
        target = found(source)
        if isinstance(target, str) and _is_native(target) and keep_vectors(wrappers):
            many = gym.make_vec(target, num_envs, autoreset_mode=mode, **arguments)
            return wrap(many, wrappers)
        make = Maker(source, arguments, tuple(wrappers), own_arrays=True)
        if vectorization == "async":
            return ProcessVectorEnv([make] * num_envs, autoreset_mode=mode)
        return _one_after_another(make, num_envs, mode)


def make_one(
    env: Env,
    options: Mapping[str, Any] | None = None,
    wrappers: Sequence[Wrapper] = (),
    **more: Any,
) -> gym.Env:
    """One environment by the same names.

    Raises:
        ValueError, BrokenEnvironmentError: as `make_environments`.
    """
    source, arguments = source_of(env), {**(options or {}), **more}
    with blaming(source.name, arguments):
        return Maker(source, arguments, tuple(wrappers))()


def environment_of_run(
    settings: Settings, env: Env | None, options: Mapping[str, Any] | None
) -> tuple[Env, dict[str, Any], list[str]]:
    """Return what the policy of a run is to play: its own environment, or another.

    Args:
        settings: of the run.
        env: the environment; None: the run's.
        options: arguments of the constructor. They come before those of the run where the
            environment is the run's, and are all that is set where it is another.

    Returns:
        The environment, the arguments of its constructor, and the wrappers of the run where the
        environment is the run's.

    Raises:
        ValueError: If there is no such environment.
    """
    options = dict(options or {})
    if env is None or _is_that_of_run(settings, env):
        return settings.env, {**settings.env_options, **options}, settings.wrappers
    return env, options, []


def _limits_itself(target: str | Make) -> bool:
    """Whether a callable has an argument ``max_episode_steps`` of its own."""
    if isinstance(target, str):
        return False
    with contextlib.suppress(ValueError, TypeError):  # some have no signature to look at
        return "max_episode_steps" in inspect.signature(target).parameters
    return False


def _make_one(target: str | Make, arguments: dict[str, Any]) -> gym.Env:
    """Make one environment, also of those whose constructor takes no ``max_episode_steps``.

    Raises:
        ValueError: If ``max_episode_steps`` is not a whole number of at least 1.
    """
    if not isinstance(target, str) and _limits_itself(target):
        return target(**arguments)
    rest, limit = _without_limit(arguments)
    if not isinstance(target, str):
        env = target(**rest)
        return env if limit is None else TimeLimit(env, limit)
    if not any(target in entry.ids for entry in ENTRIES.values()):
        return gym.make(target, **arguments)
    spec = copy.copy(gym.spec(target))
    spec.kwargs = {**spec.kwargs, "max_episode_steps": limit}  # counted within, not in a wrapper
    return gym.make(spec, **rest)


def _without_limit(arguments: dict[str, Any]) -> tuple[dict[str, Any], int | None]:
    """The arguments of a constructor that takes no limit, and the limit."""
    rest = {name: value for name, value in arguments.items() if name != "max_episode_steps"}
    return rest, read_limit(arguments.get("max_episode_steps"))


def _is_that_of_run(settings: Settings, env: Env) -> bool:
    if is_given(settings.env):
        return False
    return found(source_of(env)) == resolve(settings.env)


@contextmanager
def looking_at(
    env: Env, options: Mapping[str, Any] | None = None, wrappers: Sequence[Wrapper] = ()
) -> Iterator[gym.Env]:
    """One environment for a look at it, closed after.

    Raises:
        ValueError, BrokenEnvironmentError: as `make_one`, and when the environment's ``close``
            fails.
    """
    source = source_of(env)
    sample = make_one(source, options, wrappers)
    with closing(sample, source.name):
        yield sample


@dataclass(frozen=True)
class Maker:
    """Makes one environment after another, in this process or in others."""

    source: Source
    arguments: dict[str, Any]
    wrappers: tuple[Wrapper, ...]
    own_arrays: bool = False
    """Whether observations and actions are copied, see `OwnArrays`."""

    def __call__(self) -> gym.Env:
        """A new environment in its wrappers."""
        target = found(self.source)
        env = _make_one(target, self.arguments)
        if not isinstance(env, gym.Env):
            raise ValueError(
                f"environment {self.source.name} must be a single gymnasium.Env, got {env!r}"
            )
        env = wrap(env, self.wrappers)
        return OwnArrays(env) if self.own_arrays else env


def found(source: Source) -> str | Make:
    """The Gymnasium id or the callable that a source stands for here.

    Raises:
        ValueError: as `resolve`; for a name that a run folder gave to a callable.
    """
    target = source.get()
    if not isinstance(target, str):
        return target
    if is_given(target):
        raise ValueError(
            f"environment {target} was given in Python, which a run folder cannot keep: give it "
            "again, as in popgym.resume(path, env=...) and popgym.evaluate(policy, env), or name "
            "another (--env)"
        )
    return resolve(target)


def _one_after_another(make: Maker, num_envs: int, mode: AutoresetMode) -> VectorEnv:
    made: list[gym.Env] = []

    def remember() -> gym.Env:
        made.append(make())
        return made[-1]

    try:
        many = SyncVectorEnv([remember] * num_envs, autoreset_mode=mode)
        if len({id(env.unwrapped) for env in made}) < num_envs:
            raise ValueError(
                f"environment {make.source.name} is one and the same at every call: "
                "return a new one each time"
            )
    except BaseException:
        for env in made:
            with contextlib.suppress(Exception):
                env.close()
        raise
    return many


class OwnArrays(gym.Wrapper):
    """Copies observations and actions, for environments that reuse or change their arrays.

    A vector environment keeps the last observation of an episode while it begins the next one,
    and the runner keeps the actions.
    """

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        obs, info = self.env.reset(**kwargs)
        return copy.deepcopy(obs), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Play an action."""
        obs, reward, terminated, truncated, info = self.env.step(copy.deepcopy(action))
        return copy.deepcopy(obs), reward, terminated, truncated, info


def _is_native(target: str) -> bool:
    return target.startswith("popgym-")
