"""What the name of an environment refers to.

A name is a popgym environment (``RepeatPreviousEasy``), any Gymnasium id (``CartPole-v1``,
``MiniGrid-MemoryS7-v0``), or ``module:Class`` for a user's own class, or for a function that makes
an environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, TypeGuard

import gymnasium as gym

import popgym.envs
from popgym.core.arguments import as_options, nearest
from popgym.envs.registry import ENTRIES
from popgym.importing import find_in_user_module, import_package, import_user_module
from popgym.runs.folder import RunFolder
from popgym.runs.layout import CONFIG
from popgym.runs.source import Env, Make, Source, is_given, source_of

PACKAGES = {"MiniGrid-": "minigrid", "BabyAI-": "minigrid", "ALE/": "ale_py"}
"""Beginnings of ids, and the package whose import registers such ids with Gymnasium. It is imported
only if it is installed and such an id is asked for."""


def resolve(name: str) -> str | Make:
    """Return the Gymnasium id that ``name`` refers to, or the class or function if it has none.

    Raises:
        ValueError: If the name is unknown (the message suggests the nearest known names), the
            module cannot be imported, or it has no such class.
    """
    if ":" in name:
        return _users_own(name)
    package = _package_of(name)
    if name not in gym.registry and package is not None and _is_installed(package):
        import_package(f"environment {name!r}", package)
    if name in gym.registry:
        return name
    try:
        return popgym.envs.lookup(name)
    except ValueError:
        raise ValueError(f"there is no environment {name!r}; {_hint(name, package)}") from None


def _package_of(name: str) -> str | None:
    """Return the package that registers ids which begin like this one, if it is known."""
    return next((package for begin, package in PACKAGES.items() if name.startswith(begin)), None)


def _is_installed(package: str) -> bool:
    found = find_spec(package)
    return found is not None and found.origin is not None  # None: a folder that has only its name


def _hint(name: str, package: str | None) -> str:
    if package is not None and not _is_installed(package):
        return f"install the package {package}, which has environments of such names"
    close = nearest(name, [*ENTRIES, *gym.registry])
    hint = f"did you mean {' or '.join(close)}?" if close else "`popgym envs` lists ours."
    return f"{hint} A Gymnasium id or module:Class works too"


def _users_own(name: str) -> str | Make:
    module_name, _, attribute = name.partition(":")
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise ValueError(f"environment {name!r} must be module:Class, as in my_package.worlds:Mine")
    wanted = f"environment {name!r}"
    module = import_user_module(wanted, module_name)
    if getattr(module, attribute, None) is None and attribute in gym.registry:
        return attribute  # Gymnasium's own "module:Id-v0", registered by importing the module
    kind = "a gymnasium.Env class, or a function that returns a gymnasium.Env"
    make: Make = find_in_user_module(wanted, module_name, attribute, _makes_environments, kind)
    entry = ENTRIES.get(getattr(make, "__name__", ""))
    return entry.id if entry is not None and entry.env_class is make else make


def _makes_environments(found: Any) -> bool:
    return issubclass(found, gym.Env) if isinstance(found, type) else callable(found)


def found(source: Source) -> str | Make:
    """Return the Gymnasium id or the callable that ``source`` refers to in this process.

    Raises:
        ValueError: If ``resolve`` refuses the name, or the name is one that a run folder recorded
            for a callable.
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


def is_ours(target: str | Make) -> TypeGuard[str]:
    """Return whether what ``found`` returned is the id of a popgym environment."""
    return isinstance(target, str) and target.startswith("popgym-")


def environment_of_run(
    run: RunFolder, env: Env | None, options: Mapping[str, Any] | None
) -> tuple[Env, dict[str, Any], list[str]]:
    """Return the environment in which to play a run's policy: the run's own, or another.

    Args:
        run: The run.
        env: The environment. None means the run's own.
        options: Arguments of the environment's constructor. For the run's own environment they
            are merged into the run's options and override them; for another environment they
            are the only ones.

    Returns:
        The environment, its constructor arguments, and the run's wrappers (empty for an
        environment other than the run's).

    Raises:
        ValueError: If there is no such environment.
        UntrustedError: If the run names code of a user's that is not trusted, and ``env`` is not
            another environment. It is a ValueError.
    """
    settings, options = run.settings, as_options("env_options", options)
    if env is not None and not _is_that_of_run(run, env):
        return env, options, []
    given = None if env is None else settings.env  # which the user named too
    for name in settings.environment_code:
        if name != given:
            run.trust.check(name, run.path / CONFIG)
    return settings.env, {**settings.env_options, **options}, settings.wrappers


def _is_that_of_run(run: RunFolder, env: Env) -> bool:
    name, source = run.settings.env, source_of(env)
    if is_given(name):
        return False
    target = found(source)
    if source.name == name:
        return True
    return run.trust.allows(name) and target == resolve(name)
