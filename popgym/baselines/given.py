"""Runs of environments given in Python: their names, and what it takes to go on with one."""

from __future__ import annotations

from popgym.runs.environment import looking_at
from popgym.runs.folder import RunFolder
from popgym.runs.settings import Settings
from popgym.runs.source import GIVEN, LAMBDA, Env, Source, is_given, source_of


def named(source: Source, settings: Settings) -> Source:
    """A lambda under the name of what it makes."""
    if source.name != LAMBDA + GIVEN:
        return source
    with looking_at(source, settings.env_options) as sample:
        return source.renamed(type(sample.unwrapped).__name__)


def source_again(folder: RunFolder, env: Env | None) -> Source:
    """The environment of a run to be resumed.

    Raises:
        ValueError: when a callable has to be given again and is not, or has other spaces; when
            one is given to a run that has its environment by name.
    """
    name = folder.settings.env
    if env is None and is_given(name):
        raise ValueError(
            f"{folder.path} was trained on {name.removesuffix(GIVEN)}, a callable given in Python: "
            f"give it again, popgym.resume({str(folder.path)!r}, env=...)"
        )
    if env is not None and not is_given(name):
        raise ValueError(f"a resumed run keeps its env, here {name}: leave out env")
    source = source_of(name if env is None else env)
    if env is not None:
        _check_spaces(folder, source)
    return source


def _check_spaces(folder: RunFolder, source: Source) -> None:
    """Refuses an environment in which the run's policy cannot play."""
    settings = folder.settings
    try:
        policy = folder.policy()
    except ValueError:
        return  # a policy that is missing or damaged is written anew
    with looking_at(source, settings.env_options, settings.wrappers) as sample:
        for kind in ("observation_space", "action_space"):
            given, trained = getattr(sample, kind), getattr(policy, kind)
            if given != trained:
                raise ValueError(
                    f"env has the {kind.replace('_', ' ')} {given}, the run's is {trained}"
                )
