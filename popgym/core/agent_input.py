"""What an agent is fed at each step: what it sees, what it did, and whether it just began."""

from typing import Any, NoReturn

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete, Space

from popgym.core.actions import limits
from popgym.core.flatten import Flattener, Path, follow, leaves

TOLERANCE = 1e-5
"""How far a Box's values may lie beyond a bound, relative to it: float32 rounds."""


class AgentInput:
    """Rows of [flattened observation | flattened previous action | start flag].

    Args:
        observation_space: Of a single environment.
        action_space: Of a single environment.
        previous_action: Whether the previous action is part of the row; all zeros at a start.
        start_flag: Whether the flag is part of the row; 1 at a start, else 0.

    Raises:
        ValueError: A space has no fixed size, like Text, Sequence and Graph.
    """

    size: int
    """How many numbers a row has."""
    space: Box
    """The space of one row."""

    def __init__(
        self,
        observation_space: Space,
        action_space: Space,
        previous_action: bool = True,
        start_flag: bool = True,
    ) -> None:
        self.previous_action, self.start_flag = previous_action, start_flag
        self._observation = Flattener(observation_space)
        self._action = Flattener(action_space)
        self._action_end = self._observation.size + previous_action * self._action.size
        self.size = self._action_end + start_flag
        self.space = Box(-np.inf, np.inf, (self.size,), np.float32)
        self._bounds = [bounds(part, path) for path, part in leaves(observation_space)]

    def __call__(self, obs: Any, prev_action: Any = None, start: Any = None) -> np.ndarray:
        """Lays out the inputs of a batch of environments.

        Args:
            obs: A batched observation, arrays [B, ...] in tuples and dicts.
            prev_action: A batched action; what it holds for rows at a start does not matter.
            start: [B] bool, whether the observation is the first of its episode.

        Returns:
            [B, size] float32.
        """
        count = len(follow(self._bounds[0].path, obs))
        rows = np.empty((count, self.size), np.float32)
        begin, end = self._observation.size, self._action_end
        self._observation(obs, rows[:, :begin])
        if self.previous_action:
            self._action(prev_action, rows[:, begin:end])
            rows[start, begin:end] = 0.0
        if self.start_flag:
            rows[:, end] = start
        return rows

    def check(self, obs: Any, environments: Any = None) -> None:
        """Refuses a batched observation with a value outside its space, or one not finite.

        Args:
            obs: A batched observation.
            environments: [B] whose observations these are; None: of environments 0 to B - 1.

        Raises:
            ValueError: Names the environment's index, the part of the observation, and the value.
        """
        for part in self._bounds:
            part.check(follow(part.path, obs), environments)


class Bounds:
    """The values that one part of an observation may have.

    Args:
        path: Where the part lies in the observation.
        space: The part's space.
        low: The least values, of the part's shape, finite.
        high: The greatest.
    """

    def __init__(self, path: Path, space: Space, low: Any, high: Any) -> None:
        self.path, self.space = path, space
        self.shape = np.shape(low)
        self.kinds = "biu" if isinstance(space, (Discrete, MultiDiscrete)) else "biuf"
        self.low, self.high = (one_if_equal(np.asarray(limit)) for limit in (low, high))

    def check(self, values: Any, environments: Any = None) -> None:
        """Refuses values [B, ...]; see `AgentInput.check`."""
        values = np.asarray(values)
        if values.dtype.kind not in self.kinds:
            raise ValueError(f"{self.name()} must be in {self.space}, got {values.dtype} values")
        if values.shape[1:] != self.shape:
            raise ValueError(
                f"{self.name()} must have shape {self.shape} for each environment, "
                f"got {values.shape[1:]}"
            )
        if values.dtype == np.uint8 and self.low.shape == () and self.high >= 255 > 0 >= self.low:
            return  # an image cannot be outside
        inside = (values >= self.low) & (values <= self.high)  # NaN is not
        if not inside.all():
            where = tuple(np.argwhere(~inside)[0].tolist())
            self.refuse(values, where, where[0] if environments is None else environments[where[0]])

    def refuse(self, values: np.ndarray, where: tuple[int, ...], environment: int) -> NoReturn:
        """Refuses the value at the given place."""
        place = f" at {where[1:]}" if where[1:] else ""
        raise ValueError(
            f"environment {environment}: {self.name()} has the value {values[where]}{place}, "
            f"which is outside its space {self.space}"
        )

    def name(self) -> str:
        """The part, as in observation['camera'][0]."""
        return "observation" + "".join(f"[{key!r}]" for key in self.path)


def one_if_equal(limit: np.ndarray) -> np.ndarray:
    """A limit that is the same for all numbers as a single one, which compares faster."""
    return limit.flat[0].reshape(()) if limit.size and (limit == limit.flat[0]).all() else limit


def bounds(space: Space, path: Path) -> Bounds:
    """The bounds of one part of an observation."""
    if isinstance(space, MultiBinary):
        return Bounds(path, space, np.zeros(space.shape), np.ones(space.shape))
    low, high = limits(space)
    if isinstance(space, Box):
        largest = np.finfo(np.float64).max
        low, high = low.astype(np.float64), high.astype(np.float64)
        low = np.maximum(low - TOLERANCE * np.abs(low), -largest)
        high = np.minimum(high + TOLERANCE * np.abs(high), largest)
    return Bounds(path, space, low, high)
