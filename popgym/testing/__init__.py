"""Checks to run on environments and memories of one's own; see :func:`check_memory`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from popgym.testing.memory_laws import LAWS, LawBroken, check_memory

# found at first use: checking a memory needs torch, checking an environment does not
_HOMES = {
    "LAWS": "popgym.testing.memory_laws",
    "LawBroken": "popgym.testing.memory_laws",
    "check_memory": "popgym.testing.memory_laws",
}

__all__ = ["LAWS", "LawBroken", "check_memory"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
