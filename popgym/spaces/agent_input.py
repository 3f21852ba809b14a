"""The input of an agent at each step: observation, previous action and episode start flag."""

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete, Space

from popgym.spaces.flatten import Flattener, Path, follow, leaves, named, observation_name

TOLERANCE = 1e-5
"""How far a real number of a Box may exceed a bound because of float32 rounding, relative to it."""
LARGEST = float(np.finfo(np.float32).max)
"""The largest number that a network can have as an input."""


class AgentInput:
    """Rows of [flattened observation | flattened previous action | start flag].

    Args:
        observation_space: The observation space of a single environment.
        action_space: The action space of a single environment.
        previous_action: Whether the row has the previous action, which is all zeros in the first
            step of an episode.
        start_flag: Whether the row has the flag, which is 1 in the first step of an episode and
            otherwise 0.
        parts: The parts of the observation space that the row has. None: all. If some are left
            out, the row may be empty.

    Raises:
        ValueError: If a space cannot be flattened, such as Text, Sequence, Graph and OneOf, or if
            the row would be empty.
    """

    size: int
    """The length of a row."""
    observation_size: int
    """How many numbers at the beginning of a row are of the observation."""
    space: Box
    """The space of one row."""

    def __init__(
        self,
        observation_space: Space,
        action_space: Space,
        previous_action: bool = True,
        start_flag: bool = True,
        parts: Sequence[tuple[Path, Space]] | None = None,
    ) -> None:
        self.previous_action, self.start_flag = previous_action, start_flag
        whole = flattener("observation", observation_space)
        self._observation = whole if parts is None else Flattener(observation_space, parts)
        self._action = flattener("action", action_space)
        self.observation_size = self._observation.size
        self._action_end = self.observation_size + previous_action * self._action.size
        self.size = self._action_end + start_flag
        if not self.size and not (whole.size and parts is not None):
            raise ValueError(
                f"the observation space {named(observation_space)} has no numbers, so that an "
                "agent would have no input: set previous_action or start_flag"
            )
        self.space = Box(-np.inf, np.inf, (self.size,), np.float32)
        self._bounds = [bounds(part, path) for path, part in leaves(observation_space)]

    def __call__(self, obs: Any, prev_action: Any = None, start: Any = None) -> np.ndarray:
        """Return the inputs for a batch of environments.

        Args:
            obs: The batched observation: arrays, [B, ...], in tuples and dicts.
            prev_action: The batched previous action. Its values in the first step of an episode
                are ignored. None: no environment has a previous action; zeros are used.
            start: The episode start mask, [B] bool. None: no environment is in the first step of
                an episode.

        Returns:
            The rows, [B, size] float32.
        """
        count = len(follow(self._bounds[0].path, obs))
        rows = np.empty((count, self.size), np.float32)
        begin, end = self.observation_size, self._action_end
        self._observation(obs, rows[:, :begin])
        if self.previous_action:
            self._write_action(prev_action, start, rows[:, begin:end])
        if self.start_flag:
            rows[:, end] = 0.0 if start is None else start
        return rows

    def _write_action(self, prev_action: Any, start: Any, out: np.ndarray) -> None:
        """Write previous actions into ``out``, [B, action size]; zeros at an episode start."""
        if prev_action is not None and (start is None or not np.any(start)):
            self._action(prev_action, out)
            return
        out[...] = 0.0
        if prev_action is not None:
            going_on = np.flatnonzero(np.logical_not(start))
            out[going_on] = self._action(prev_action, rows=going_on)

    def check(self, obs: Any, environments: Any = None) -> None:
        """Check that a batched observation is in its space and finite in float32.

        Args:
            obs: The batched observation.
            environments: The index of each observation's environment, [B]. None: 0 to B − 1.

        Raises:
            ValueError: If it is not; the message names the index of the environment, the part of
                the observation and the value.
        """
        for part in self._bounds:
            part.check(follow(part.path, obs), environments)


class Bounds:
    """The bounds of one part of an observation.

    Args:
        path: The path to the part in the observation.
        space: The space of the part.
        low: The lowest values, in the shape of the part: whole numbers, or finite in float32.
        high: The highest values, in the same form.
    """

    def __init__(self, path: Path, space: Space, low: Any, high: Any) -> None:
        self.path, self.space = path, space
        self.shape = np.shape(low)
        self.kinds = "biuf" if is_real(space) else "biu"
        self.low, self.high = (one_if_equal(np.asarray(limit)) for limit in (low, high))

    def check(self, values: Any, environments: Any = None) -> None:
        """Check values, [B, ...]; see ``AgentInput.check``."""
        values = np.asarray(values)
        if values.dtype.kind not in self.kinds:
            raise ValueError(
                f"{self.name()} must be in {named(self.space)}, got {values.dtype} values"
            )
        if values.shape[1:] != self.shape:
            raise ValueError(
                f"{self.name()} must have shape {self.shape} for each environment, "
                f"got {values.shape[1:]}"
            )
        if values.dtype == np.uint8 and self.low.shape == () and self.high >= 255 > 0 >= self.low:
            return  # an image is always inside
        inside = (values >= self.low) & (values <= self.high)  # False for NaN
        if not inside.all():
            row, *place = np.argwhere(~inside)[0].tolist()
            environment = row if environments is None else environments[row]
            self.refuse(environment, tuple(place), values[(row, *place)])

    def refuse(self, environment: int, place: tuple[int, ...], value: Any) -> NoReturn:
        """Raise a ValueError about the value at the given place of an environment's observation."""
        what = f"which is outside its space {named(self.space)}"
        if is_real(self.space) and not abs(float(value)) <= LARGEST:
            what = "which is no valid network input: it must be a finite float32 number"
        where = f" at {place}" if place else ""
        raise ValueError(
            f"environment {environment}: {self.name()} has the value {value}{where}, {what}"
        )

    def name(self) -> str:
        """Return the name of the part, as in observation['camera'][0]."""
        return observation_name(self.path)


def one_if_equal(limit: np.ndarray) -> np.ndarray:
    """Return a limit as a single number, which compares faster, if all its numbers are equal."""
    return limit.flat[0].reshape(()) if limit.size and (limit == limit.flat[0]).all() else limit


def bounds(space: Space, path: Path) -> Bounds:
    """Return the bounds of one part of an observation."""
    if isinstance(space, MultiBinary):
        zeros = np.zeros(space.shape, space.dtype)
        return Bounds(path, space, zeros, zeros + 1)
    if isinstance(space, (Discrete, MultiDiscrete)):
        counts = np.asarray(space.n if isinstance(space, Discrete) else space.nvec)
        return Bounds(path, space, space.start, space.start + (counts - 1))
    assert isinstance(space, Box)  # the Flattener accepts no other space
    if not is_real(space):
        return Bounds(path, space, space.low, space.high)
    with np.errstate(over="ignore"):  # a long double may be too large for a float64
        low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    low, high = np.clip(low, -LARGEST, LARGEST), np.clip(high, -LARGEST, LARGEST)
    low = np.maximum(low - TOLERANCE * np.abs(low), -LARGEST)
    high = np.minimum(high + TOLERANCE * np.abs(high), LARGEST)
    return Bounds(path, space, low, high)


def is_real(space: Space) -> bool:
    """Return whether a part of an observation consists of real numbers."""
    return isinstance(space, Box) and np.issubdtype(space.dtype, np.floating)


def flattener(what: str, space: Space) -> Flattener:
    """Return the flattener of a space.

    Args:
        what: The name of the space for the error message, ``observation`` or ``action``.
        space: The space.

    Raises:
        ValueError: If the space cannot be flattened; the message says what to do.
    """
    try:
        return Flattener(space)
    except ValueError as error:
        raise ValueError(
            f"the {what} space {named(space)} is not supported: {error}; wrap the environment in a "
            f"gymnasium.{what.capitalize()}Wrapper that offers one of these"
        ) from None
