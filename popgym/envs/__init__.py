"""POPGym's environments, registered with gymnasium on import.

Classes (``RepeatPrevious``, ``RepeatPreviousEasy``, …) and groups (``ALL``, ``ALL_EASY``,
``DIAGNOSTIC``, …, each class → {"id": …}) are computed from the families' presets.
"""

from typing import Any

from popgym.core.arguments import nearest
from popgym.envs.registry import (
    ENTRIES,
    GROUPS,
    find,
    lookup,
    memory_needed,
    register,
    table,
)
from popgym.envs.scores import Score, reference_scores

__all__ = [
    "Score",
    "find",
    "has_mazelib",
    "lookup",
    "memory_needed",
    "reference_scores",
    "register",
    "table",
    *ENTRIES,
    *GROUPS,
]


def has_mazelib() -> bool:
    """Return True: labyrinths are always available. POPGym 1 needed mazelib for them."""
    return True


def __getattr__(name: str) -> Any:
    if name in ENTRIES:
        return ENTRIES[name].env_class
    if name in GROUPS:
        return GROUPS[name]
    matches = nearest(name, [*ENTRIES, *GROUPS])
    hint = f"; did you mean {' or '.join(matches)}?" if matches else ""
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
