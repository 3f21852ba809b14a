"""The environment interface and the compiled kernel.

This package holds what all environments share: the declaration of a family, its rules and their
compilation, random numbers, cards and mazes, the single and the vector environment, and the checks
of arguments. It may import ``popgym.render``, for the pictures, and no other subpackage.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from popgym.core.env import POPGymEnv
    from popgym.core.family import Family
    from popgym.core.kernel import Rules
    from popgym.core.rules import rule
    from popgym.core.vector import POPGymVectorEnv

# Imported at first use, so that other subpackages can import popgym.core.arguments alone.
_HOMES = {
    "Family": "popgym.core.family",
    "POPGymEnv": "popgym.core.env",
    "POPGymVectorEnv": "popgym.core.vector",
    "Rules": "popgym.core.kernel",
    "rule": "popgym.core.rules",
}

__all__ = ["Family", "POPGymEnv", "POPGymVectorEnv", "Rules", "rule"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
