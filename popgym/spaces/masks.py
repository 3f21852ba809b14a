"""Action masks: which choices of a Discrete or MultiDiscrete action are allowed at a step.

Environments give a mask as ``info["action_mask"]``, as Gymnasium's Taxi-v3 does, or as the entry
``action_mask`` of a Dict observation. A mask has one number for each choice, 1 if it is allowed.
For a MultiDiscrete action the numbers of its parts follow each other; a tuple of one mask for each
part is accepted too.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space

KEY = "action_mask"


class MaskReader:
    """Reads and checks the masks of a batch of environments.

    Args:
        action_space: The action space of a single environment.
    """

    size: int
    """Number of choices A; 0 if actions of this space cannot be masked."""

    def __init__(self, action_space: Space) -> None:
        self.counts: list[int] = []
        if isinstance(action_space, Discrete):
            self.counts = [int(action_space.n)]
        elif isinstance(action_space, MultiDiscrete):
            self.counts = np.reshape(action_space.nvec, -1).tolist()
        self.size = sum(self.counts)

    def of_info(self, info: Mapping[str, Any], count: int) -> np.ndarray | None:
        """Return the masks [B, A] in the info of a vector environment; None if there are none.

        All choices of an environment without a mask are allowed.

        Raises:
            ValueError: If a mask has another length or other numbers, or allows nothing.
        """
        if KEY not in info or not self.size:
            return None
        has = info.get(f"_{KEY}", np.ones(count, bool))
        masks = np.ones((count, self.size), bool)
        for i in np.flatnonzero(has):
            values = info[KEY]
            one = tuple(v[i] for v in values) if isinstance(values, tuple) else values[i]
            masks[i] = self.read(one, int(i))
        return masks

    def of_observation(self, values: Any) -> np.ndarray:
        """Return the masks [B, A] of a batch of observations' entries; see ``of_info``."""
        return np.stack([self.read(values[i], i) for i in range(len(values))])

    def read(self, mask: Any, environment: int = 0) -> np.ndarray:
        """Return one mask [A] bool.

        Raises:
            ValueError: If it has another length or other numbers, or allows nothing.
        """
        parts = mask if isinstance(mask, (tuple, list)) else (mask,)
        values = np.concatenate([np.reshape(part, -1) for part in parts])
        wrong = ""
        if values.shape != (self.size,):
            wrong = f"must have {self.size} numbers, one for each choice, got {len(values)}"
        elif not np.isin(values, (0, 1)).all():
            wrong = f"must hold 1 for allowed and 0 for other choices, got {values.tolist()}"
        else:
            allowed = values.astype(bool)
            ends = np.cumsum(self.counts)[:-1]
            if all(part.any() for part in np.split(allowed, ends)):
                return allowed
            wrong = f"must allow at least one choice of each action, got {values.tolist()}"
        raise ValueError(f"environment {environment}: {KEY} {wrong}")


def has_mask(observation_space: Space, action_space: Space) -> bool:
    """Return whether observations contain a mask that fits the actions."""
    size = MaskReader(action_space).size
    if not (size and isinstance(observation_space, Dict) and KEY in observation_space.spaces):
        return False
    part = observation_space[KEY]
    is_binary = isinstance(part, MultiBinary) or (
        isinstance(part, Box) and bool((part.low == 0).all() and (part.high == 1).all())
    )
    return is_binary and int(np.prod(part.shape or ())) == size
