"""The title of a run's learning curve: what was trained, and the settings that are not defaults."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from popgym.runs.settings import (
    KL_CUTOFF,
    KL_CUTOFF_REAL,
    LONG_ROLLOUT,
    NETWORK,
    SHORT_ROLLOUT,
    Settings,
)

_WIDTH = 100  # characters of the line of settings
_ELSEWHERE = {"env", "memory", "seed", "env_options", "memory_options", "network"}
"""Settings that the title has elsewhere."""
_AROUND = {
    "steps", "stop_at", "stop_episodes", "runners", "learners", "device", "threads",
    "vectorization", "eval_every", "eval_episodes", "checkpoint_every", "snapshots",
}  # fmt: skip
"""Settings that change when and where is trained, not what is learned."""


def title_of(settings: Settings) -> str:
    """Return the title: a line, and a second one for settings other than the defaults."""
    parts = (
        _with(settings.env, settings.env_options),
        _with(settings.memory, settings.memory_options),
        f"seed {settings.seed}",
    )
    changed = ", ".join(f"{name}={value}" for name, value in _changed(settings))
    lines = [" · ".join(parts), *([changed] if changed else [])]
    return "\n".join(textwrap.shorten(line, _WIDTH, placeholder=" …") for line in lines)


def _with(name: str, options: Mapping[str, Any]) -> str:
    listed = ", ".join(f"{option}={value}" for option, value in options.items())
    return f"{name} ({listed})" if listed else name


def _changed(settings: Settings) -> Iterator[tuple[str, Any]]:
    """Yield the settings that are not the defaults, with their values."""
    values, defaults = settings.as_dict(), _defaults(settings)
    for name, value in values.items():
        if name not in _ELSEWHERE | _AROUND and value != defaults[name]:
            yield name, value
    for name, value in settings.network.items():
        if name != "embedding_max_steps" and value != NETWORK.get(name):
            yield f"network.{name}", value


def _defaults(settings: Settings) -> dict[str, Any]:
    """Return the defaults; some depend on the task, and a run folder has only their values."""
    defaults = Settings(env=settings.env).as_dict()
    derived = Settings(
        env=settings.env, rollout=settings.rollout, num_envs=settings.num_envs
    ).resolved()
    defaults["minibatch_size"] = derived.minibatch_size
    for name, usual in _USUAL.items():
        value = getattr(settings, name)
        defaults[name] = value if value in usual else None
    return defaults


_USUAL = {"rollout": (SHORT_ROLLOUT, LONG_ROLLOUT), "kl_cutoff": (KL_CUTOFF, KL_CUTOFF_REAL)}
"""The values that settings have by default, depending on the task."""
