"""Partially observable environments and memory models for reinforcement learning."""

from typing import TYPE_CHECKING, Any

import popgym.envs  # noqa: F401  registers the environments with gymnasium

if TYPE_CHECKING:
    from popgym.baselines.train import Run, resume, train
    from popgym.insight.inspection import inspect
    from popgym.runs.evaluate import evaluate
    from popgym.runs.folder import load

__version__ = "2.0.0.dev0"

__all__ = ["Run", "__version__", "evaluate", "inspect", "load", "resume", "train"]

# The module of each name above. Torch and Ray are imported only when one of them is used.
_LAZY = {
    "Run": "popgym.baselines.train",
    "resume": "popgym.baselines.train",
    "train": "popgym.baselines.train",
    "evaluate": "popgym.runs.evaluate",
    "inspect": "popgym.insight.inspection",
    "load": "popgym.runs.folder",
}


# Rooms for users, which ``import popgym`` makes reachable without importing them.
_ROOMS = ("benchmark", "memory", "players", "testing", "wrappers")


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _ROOMS:
        return import_module(f"popgym.{name}")
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS})
