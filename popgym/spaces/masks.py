"""Action masks: which choices of a Discrete or MultiDiscrete action are allowed at a step.

Environments give a mask as ``info["action_mask"]``, as Gymnasium's Taxi-v3 does, or as the entry
``action_mask`` of a Dict observation. A mask has one number for each choice, 1 if it is allowed.
For a MultiDiscrete action the numbers of its parts follow each other; a tuple of one mask for each
part is accepted too.
"""

import math
from collections.abc import Mapping
from typing import Any, NoReturn

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
        counts: list[int] = []
        if isinstance(action_space, Discrete):
            counts = [int(action_space.n)]
        elif isinstance(action_space, MultiDiscrete):
            counts = np.reshape(action_space.nvec, -1).tolist()
        self.size = sum(counts)
        self._begins = np.cumsum(counts, dtype=np.int64) - counts  # of each action's choices

    def of_info(self, info: Mapping[str, Any], count: int) -> np.ndarray | None:
        """Return the masks [B, A] in the info of a vector environment; None if there are none.

        All choices of an environment without a mask are allowed.

        Raises:
            ValueError: If a mask has another length or other numbers, or allows nothing.
        """
        if KEY not in info or not self.size:
            return None
        masks, values = np.ones((count, self.size), bool), info[KEY]
        given = np.flatnonzero(info.get(f"_{KEY}", np.ones(count, bool)))
        if isinstance(values, np.ndarray) and values.dtype != object:
            masks[given] = self.read_many(values[given], given)
            return masks
        for i in given:  # tuples
            one = tuple(v[i] for v in values) if isinstance(values, tuple) else values[i]
            masks[i] = self.read(one, int(i))
        return masks

    def read(self, mask: Any, environment: int = 0) -> np.ndarray:
        """Return one mask [A] bool; its parts may be in a tuple. See ``read_many``."""
        parts = mask if isinstance(mask, (tuple, list)) else (mask,)
        values = np.concatenate([np.zeros(0, bool), *(np.reshape(part, -1) for part in parts)])
        return self.read_many(values[None], [environment])[0]

    def read_many(self, masks: np.ndarray, environments: Any = None) -> np.ndarray:
        """Return n masks [n, A] bool, given their numbers [n, ...].

        Args:
            masks: The numbers.
            environments: The index of each mask's environment, [n]. None: 0 to n - 1.

        Raises:
            ValueError: If a mask has another length or other numbers, or allows nothing.
        """
        rows = np.reshape(masks, (len(masks), math.prod(np.shape(masks)[1:])))
        environments = range(len(rows)) if environments is None else environments

        def refuse(i: int, what: str) -> NoReturn:
            raise ValueError(f"environment {environments[i]}: {KEY} {what}")

        if len(rows) and rows.shape[1] != self.size:
            refuse(0, f"must have {self.size} numbers, one for each choice, got {rows.shape[1]}")
        if rows.dtype.kind not in "biuf":
            refuse(0, f"must hold 1 for allowed and 0 for other choices, got {masks[0]!r}")
        allowed = rows.astype(bool)
        rules = {
            "must hold 1 for allowed and 0 for other choices": rows == allowed,
            "must allow at least one choice of each action": np.logical_or.reduceat(
                allowed, self._begins, axis=1
            ),
        }
        for rule, holds in rules.items():
            if not holds.all():
                i = int(holds.all(1).argmin())
                refuse(i, f"{rule}, got {rows[i].tolist()}")
        return allowed


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
