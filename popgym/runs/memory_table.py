"""A table of the memories that can be read without torch; docs/generate.py writes it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from popgym.core.arguments import nearest, unknown

TABLE = Path(__file__).parents[1] / "memory" / "memories.json"


@cache
def known_memories() -> dict[str, Any]:
    """Return the table that ``popgym.memory.overview.known`` computed; it is read only once."""
    return json.loads(TABLE.read_text(encoding="utf-8"))


def refuse_typos(memory: str, options: Mapping[str, Any], network: Mapping[str, Any]) -> None:
    """Refuse unknown names of memories and options before torch is loaded.

    If ``popgym.memory`` is loaded already, nothing is checked here, because its own checks follow.

    Raises:
        ValueError: As ``check_names``.
    """
    if "popgym.memory" not in sys.modules:
        check_names(memory, options, network)


def check_names(memory: str, options: Mapping[str, Any], network: Mapping[str, Any]) -> None:
    """Check names of memories and options.

    Args:
        memory: A memory's name. ``module:Class`` is not checked.
        options: Options of the memory, by name.
        network: Options of the layers around it, by name.

    Raises:
        ValueError: If there is no memory or option of that name.
    """
    known = known_memories()
    for name in network:
        if name not in known["network"]:
            raise ValueError(unknown("network option", name, known["network"]))
    if ":" in memory:
        return
    if memory not in known["options"]:
        close = nearest(memory, known["options"], limit=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(
            f"no memory is called {memory!r}; {hint}`popgym memories` lists them, and "
            "'module:Class' is one of your own"
        )
    for name in options:
        if name not in known["options"][memory]:
            raise ValueError(unknown(f"option of {memory}", name, known["options"][memory]))
