"""Parts of an observation that are text, which a network cannot take."""

from typing import Any

import numpy as np
from gymnasium.spaces import Dict, Space, Tuple

from popgym.spaces.flatten import Path, leaves


def is_text(space: Space) -> bool:
    """Return whether elements are strings, as those of Text and of MiniGrid's missions."""
    return space.dtype is not None and np.dtype(space.dtype).kind == "U"


def text_paths(space: Space) -> list[Path]:
    """Return the paths of the parts that are text."""
    return [path for path, part in leaves(space) if is_text(part)]


def without_texts(space: Space) -> Space | None:
    """Return a space without its parts that are text; None if nothing is left."""
    if isinstance(space, Dict):
        kept = {key: without_texts(part) for key, part in space.spaces.items()}
        left = {key: part for key, part in kept.items() if part is not None}
        return Dict(left) if left else None
    if isinstance(space, Tuple):
        parts = [part for part in map(without_texts, space.spaces) if part is not None]
        return Tuple(parts) if parts else None
    return None if is_text(space) else space


def drop_texts(space: Space, value: Any) -> Any:
    """Return an element of ``space`` as an element of ``without_texts(space)``."""
    if isinstance(space, Dict):
        return {
            key: drop_texts(part, value[key])
            for key, part in space.spaces.items()
            if without_texts(part) is not None
        }
    if isinstance(space, Tuple):
        pairs = zip(space.spaces, value, strict=True)
        return tuple(drop_texts(*pair) for pair in pairs if without_texts(pair[0]) is not None)
    return value
