"""Names and resumes runs whose environment was given as a callable in Python."""

from __future__ import annotations

from popgym.runs.environment import looking_at
from popgym.runs.folder import RunFolder
from popgym.runs.settings import Settings
from popgym.runs.source import GIVEN, LAMBDA, Env, Source, is_given, source_of


def named(source: Source, settings: Settings) -> Source:
    """Return the source; a lambda gets the name of the environment class that it makes."""
    if source.name != LAMBDA + GIVEN:
        return source
    with looking_at(source, settings.env_options) as sample:
        return source.renamed(type(sample.unwrapped).__name__)


def source_again(folder: RunFolder, env: Env | None) -> Source:
    """Return the environment of a run that is resumed.

    Args:
        folder: The run.
        env: The callable, if the run was trained on one.

    Raises:
        ValueError: If the run needs a callable and none is given, the callable's environment has
            other spaces, or one is given although the run names its environment.
    """
    name = folder.settings.env
    if env is None and is_given(name):
        raise ValueError(
            f"{folder.path} was trained on {name.removesuffix(GIVEN)}, a callable given in Python: "
            f"give it again, popgym.resume({str(folder.path)!r}, env=...)"
        )
    if env is not None and not is_given(name):
        raise ValueError(f"a resumed run keeps its environment, here {name}: leave out env")
    source = source_of(name if env is None else env)
    if env is not None:
        _check_spaces(folder, source)
    return source


def _check_spaces(folder: RunFolder, source: Source) -> None:
    """Check that the environment has the spaces of the run's policy."""
    settings = folder.settings
    try:
        policy = folder.policy()
    except ValueError:
        return  # training writes a missing or damaged policy again
    with looking_at(source, settings.env_options, settings.wrappers) as sample:
        for kind in ("observation_space", "action_space"):
            given, trained = getattr(sample, kind), getattr(policy, kind)
            if given != trained:
                raise ValueError(
                    f"env has the {kind.replace('_', ' ')} {given}, the run's is {trained}"
                )
