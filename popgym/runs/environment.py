"""Makes a single environment, or a vector environment, from a name or a callable."""

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

from popgym.core.arguments import as_options
from popgym.core.time_limit import read_limit
from popgym.envs.registry import ENTRIES
from popgym.runs.blame import blaming, closing
from popgym.runs.names import found, is_ours
from popgym.runs.settings import VECTORIZATIONS
from popgym.runs.source import Env, Make, Source, source_of
from popgym.runs.texts import leave_out_texts
from popgym.runs.workers import ProcessVectorEnv
from popgym.runs.wrapping import Wrapper, keep_vectors, wrap


def make_environments(
    env: Env,
    num_envs: int,
    options: Mapping[str, Any] | None = None,
    vectorization: str = "sync",
    wrappers: Sequence[Wrapper] = (),
) -> VectorEnv:
    """Make a vector environment of ``num_envs`` environments with same-step autoreset.

    Same-step autoreset resets an environment within the step that ends its episode, so that every
    step is a real transition, which a recurrent learner needs. The observation returned by that
    step is the first of the next episode; the last observation of the ended episode is in
    ``info["final_obs"]``.

    Args:
        env: A name (see ``popgym.runs.names``), or a callable that makes an environment.
        num_envs: The number of environments.
        options: Arguments of the environment's constructor, and ``max_episode_steps``, the number
            of steps after which an episode is truncated. Every kind of environment takes the
            latter.
        vectorization: For environments without a native vector form: "sync" steps them one after
            another, "async" runs each in a process of its own.
        wrappers: Wrappers put around each environment in this order, see ``popgym.runs.wrapping``.
            popgym's wrappers keep the native vector form; with any other the environments are
            vectorized as ``vectorization`` says.

    Raises:
        ValueError: If a name is unknown, or the environment refuses an argument.
        BrokenEnvironmentError: If making an environment or a wrapper fails in another way.
    """
    if vectorization not in VECTORIZATIONS:
        raise ValueError(f"vectorization must be one of {VECTORIZATIONS}, got {vectorization!r}")
    source, arguments = source_of(env), as_options("options", options)
    mode = AutoresetMode.SAME_STEP
    with blaming(source.name, arguments):
        target = found(source)
        if is_ours(target) and keep_vectors(wrappers):
            many = gym.make_vec(target, num_envs, autoreset_mode=mode, **arguments)
            return wrap(many, wrappers)
        make = Maker(source, arguments, tuple(wrappers), own_arrays=True)
        if vectorization == "async":
            return ProcessVectorEnv([make] * num_envs, autoreset_mode=mode)
        return _one_after_another(make, num_envs, mode)


def _one_after_another(make: Maker, num_envs: int, mode: AutoresetMode) -> VectorEnv:
    made: list[gym.Env] = []

    def remember() -> gym.Env:
        made.append(make())
        return made[-1]

    try:
        many = SyncVectorEnv([remember] * num_envs, autoreset_mode=mode)
        if len({id(env.unwrapped) for env in made}) < num_envs:
            raise ValueError(
                f"environment {make.source.name}: the callable returned the same environment "
                "twice; return a new one at each call"
            )
    except BaseException:
        for env in made:
            with contextlib.suppress(Exception):
                env.close()
        raise
    return many


def make_one(
    env: Env,
    options: Mapping[str, Any] | None = None,
    wrappers: Sequence[Wrapper] = (),
    **more: Any,
) -> gym.Env:
    """Make a single environment.

    Args:
        env: As in ``make_environments``.
        options: As in ``make_environments``.
        wrappers: As in ``make_environments``.
        **more: More constructor arguments, which override ``options``.

    Raises:
        ValueError: As in ``make_environments``.
        BrokenEnvironmentError: As in ``make_environments``.
    """
    source, arguments = source_of(env), {**as_options("options", options), **more}
    with blaming(source.name, arguments):
        return Maker(source, arguments, tuple(wrappers))()


@contextmanager
def looking_at(
    env: Env, options: Mapping[str, Any] | None = None, wrappers: Sequence[Wrapper] = ()
) -> Iterator[gym.Env]:
    """Make a single environment for inspection, and close it at the end of the block.

    Raises:
        ValueError: As in ``make_one``.
        BrokenEnvironmentError: As in ``make_one``, and if closing the environment fails.
    """
    source = source_of(env)
    sample = make_one(source, options, wrappers)
    with closing(sample, source.name):
        yield sample


@dataclass(frozen=True)
class Maker:
    """A function that makes a wrapped environment at each call, in this process or in another.

    Texts in its observations are left out, because a network cannot take them.
    """

    source: Source
    arguments: dict[str, Any]
    wrappers: tuple[Wrapper, ...]
    own_arrays: bool = False
    """Whether observations and actions are copied, see ``OwnArrays``."""

    def __call__(self) -> gym.Env:
        """Return a new environment in its wrappers."""
        target = found(self.source)
        env = _make_one(target, self.arguments)
        if not isinstance(env, gym.Env):
            call = f": call it, as in {env.__name__}()" if isinstance(env, type) else ""
            raise ValueError(
                f"environment {self.source.name} must be a single gymnasium.Env, got {env!r}{call}"
            )
        env = leave_out_texts(wrap(env, self.wrappers))
        return OwnArrays(env) if self.own_arrays else env


def _make_one(target: str | Make, arguments: dict[str, Any]) -> gym.Env:
    """Make one environment; ``max_episode_steps`` works for every constructor.

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
    # popgym's environments count their steps themselves and need no wrapper for it.
    spec.kwargs = {**spec.kwargs, "max_episode_steps": limit}
    return gym.make(spec, **rest)


def _limits_itself(target: Make) -> bool:
    """Return whether a callable has a parameter ``max_episode_steps``."""
    with contextlib.suppress(ValueError, TypeError):  # some callables have no signature
        return "max_episode_steps" in inspect.signature(target).parameters
    return False


def _without_limit(arguments: dict[str, Any]) -> tuple[dict[str, Any], int | None]:
    """Return the arguments other than ``max_episode_steps``, and that limit."""
    rest = {name: value for name, value in arguments.items() if name != "max_episode_steps"}
    return rest, read_limit(arguments.get("max_episode_steps"))


class OwnArrays(gym.Wrapper):
    """Wrapper that copies observations and actions.

    Some environments reuse or change their arrays. But a vector environment keeps the last
    observation of an episode while it starts the next one, and the runner keeps the actions.
    """

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Start an episode."""
        obs, info = self.env.reset(**kwargs)
        return copy.deepcopy(obs), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Take one step."""
        obs, reward, terminated, truncated, info = self.env.step(copy.deepcopy(action))
        return copy.deepcopy(obs), reward, terminated, truncated, info
