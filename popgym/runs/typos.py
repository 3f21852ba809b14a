"""Finds the mistakes in a run's settings that can be found before torch and Ray are loaded."""

from popgym.runs import memory_table
from popgym.runs.environment import make_one
from popgym.runs.names import is_ours, resolve
from popgym.runs.settings import Settings


def refuse_typos(settings: Settings) -> None:
    """Refuse unknown names, and arguments that a popgym environment refuses.

    Checks that need torch or a user's environment are in ``popgym.baselines.checks``.

    Raises:
        ValueError: If a name is unknown or a value is wrong.
        TypeError: If the environment has no such argument.
    """
    target = resolve(settings.env)
    if is_ours(target):
        make_one(settings.env, settings.env_options).close()
    memory_table.refuse_typos(settings.memory, settings.memory_options, settings.network)
