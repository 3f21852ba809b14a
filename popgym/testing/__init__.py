"""Checks for a user's own environments and memories: ``check_env`` and ``check_memory``.

Here belong the laws that environments and memories must obey, each as a function that raises
``LawBroken``. It may import ``popgym.core``, ``popgym.render``, ``popgym.spaces``, ``popgym.envs``,
``popgym.wrappers``, ``popgym.players`` and ``popgym.memory``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from popgym.testing.env_laws import ENV_LAWS, check_env
    from popgym.testing.laws import LawBroken
    from popgym.testing.memory_laws import LAWS, check_memory

# imported at first use: checking a memory needs torch, checking an environment does not
_HOMES = {
    "ENV_LAWS": "popgym.testing.env_laws",
    "LAWS": "popgym.testing.memory_laws",
    "LawBroken": "popgym.testing.laws",
    "check_env": "popgym.testing.env_laws",
    "check_memory": "popgym.testing.memory_laws",
}

__all__ = ["ENV_LAWS", "LAWS", "LawBroken", "check_env", "check_memory"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
