"""The length of rollouts that a task needs, if how far back it must be remembered is known."""

from __future__ import annotations

from dataclasses import replace

import popgym.envs
from popgym.runs.names import found, is_ours
from popgym.runs.settings import LONG_NEED, LONG_ROLLOUT, SHORT_ROLLOUT, Settings
from popgym.runs.source import Make, Source


def with_rollout(settings: Settings, source: Source) -> Settings:
    """Return the settings with a rollout that is long enough for the memory that the task needs."""
    if settings.rollout is not None:
        return settings
    needed = memory_needed(settings, found(source))
    is_long = needed is not None and needed >= LONG_NEED
    return replace(settings, rollout=LONG_ROLLOUT if is_long else SHORT_ROLLOUT)


def memory_needed(settings: Settings, target: str | Make) -> int | None:
    """Return how many steps back the task requires an agent to remember; None if unknown."""
    if not is_ours(target):
        return None
    return popgym.envs.memory_needed(target, **settings.env_options)
