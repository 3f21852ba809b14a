"""The input of a policy network: an observation sorted into named arrays, see popgym.inputs."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

import numpy as np
from gymnasium.spaces import Box, Dict, MultiBinary, Space

from popgym.inputs import MASK, MEASURED, NUMBERS, PICTURE
from popgym.spaces.agent_input import AgentInput
from popgym.spaces.flatten import Flattener, follow, leaves
from popgym.spaces.masks import KEY, MaskReader, has_mask

Shapes = dict[str, tuple[int, ...]]

MOST_CHANNELS = 12
"""The most channels of a picture: four frames of three colours."""
MOST_CHANNELS_FIRST = 4
"""The most channels of a picture whose first axis they are: four grey frames."""


class InputEncoder:
    """Conversion of batched observations and previous actions to the arrays of a network's input.

    Args:
        observation_space: The observation space of a single environment.
        action_space: The action space of a single environment.
        previous_action: As in ``AgentInput``.
        start_flag: As in ``AgentInput``.
        normalise: Whether the numbers of Boxes are "measured" and not "numbers".
        pictures: Whether pictures are kept as they are. Otherwise they are flattened.
        masked: Whether the environment gives action masks, see ``popgym.spaces.masks``. A mask in
            the observation is also among its numbers, because it may tell more than what is
            allowed.

    Raises:
        ValueError: As in ``AgentInput``.
    """

    shapes: Shapes
    """The shape of each array without the axis of the environments."""
    space: Space
    """The space of one environment's input: a Box of numbers, or a Dict if there is more."""

    def __init__(
        self,
        observation_space: Space,
        action_space: Space,
        previous_action: bool = True,
        start_flag: bool = True,
        normalise: bool = False,
        pictures: bool = False,
        masked: bool = False,
    ) -> None:
        parts = list(leaves(observation_space))
        self._pictures = [(path, part) for path, part in parts if pictures and is_picture(part)]
        rest = [each for each in parts if each not in self._pictures]
        measured = [each for each in rest if normalise and is_measured(each[1])]
        plain = [each for each in rest if each not in measured]
        self._numbers = AgentInput(
            observation_space, action_space, previous_action, start_flag, plain
        )
        self._measured = Flattener(observation_space, measured)
        self._masks = MaskReader(action_space)
        self._mask_size = self._masks.size if masked else 0
        self._observes_mask = masked and has_mask(observation_space, action_space)
        spaces: dict[str, Space] = dict(self._spaces())
        self.shapes = {name: space.shape or () for name, space in spaces.items()}
        self.space = self._numbers.space if list(spaces) == [NUMBERS] else Dict(spaces)

    def _spaces(self) -> Iterator[tuple[str, Space]]:
        if self._numbers.size:
            yield NUMBERS, self._numbers.space
        if self._measured.size:
            yield MEASURED, Box(-np.inf, np.inf, (self._measured.size,), np.float32)
        for i, (_, part) in enumerate(self._pictures):
            yield f"{PICTURE}{i}", Box(0, 255, channels_last(part), np.uint8)
        if self._mask_size:
            yield MASK, MultiBinary(self._mask_size)

    def __call__(
        self, obs: Any, prev_action: Any = None, start: Any = None, mask: Any = None
    ) -> dict[str, np.ndarray]:
        """Return the inputs of a batch of B environments, arrays [B, ...].

        Args:
            obs: As in ``AgentInput``.
            prev_action: As in ``AgentInput``.
            start: As in ``AgentInput``.
            mask: The allowed choices, [B, A] bool. None: those of the mask in the observation, or
                all if there is none.
        """
        inputs = {}
        if self._numbers.size:
            inputs[NUMBERS] = self._numbers(obs, prev_action, start)
        if self._measured.size:
            inputs[MEASURED] = self._measured(obs)
        for i, (path, part) in enumerate(self._pictures):
            pictures = np.asarray(follow(path, obs))
            if is_channels_first(part):
                pictures = np.moveaxis(pictures, 1, -1)
            inputs[f"{PICTURE}{i}"] = np.array(pictures, np.uint8, order="C")
        if self._mask_size:
            inputs[MASK] = self._mask(obs, mask, len(next(iter(inputs.values()))))
        return inputs

    def _mask(self, obs: Any, mask: Any, count: int) -> np.ndarray:
        if mask is not None:
            return mask
        if self._observes_mask:
            return self._masks.read_many(obs[KEY])
        return np.ones((count, self._mask_size), bool)

    def exchange(
        self, inputs: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Return inputs with the observations of others.

        The previous action, the start flag and the action mask stay as they are.

        Args:
            inputs: Arrays [B, ...] that this encoder returned.
            others: Arrays of the same shapes, whose observations are taken.
        """
        changed = {**inputs, **{name: others[name] for name in inputs if name != MASK}}
        if NUMBERS in inputs:
            begin = self._numbers.observation_size
            numbers = [others[NUMBERS][..., :begin], inputs[NUMBERS][..., begin:]]
            changed[NUMBERS] = np.concatenate(numbers, -1)
        return changed

    def check(self, obs: Any, environments: Any = None) -> None:
        """Check a batched observation; see ``AgentInput.check``."""
        self._numbers.check(obs, environments)


def is_picture(space: Space) -> bool:
    """Return whether a part of an observation is a picture.

    A picture is a uint8 Box [H, W, C] with C up to 12, or [C, H, W] with C up to 4. Height and
    width are at least 2.
    """
    return is_channels_first(space) or (
        _has_picture_axes(space) and min(space.shape[:2]) > 1 and space.shape[2] <= MOST_CHANNELS
    )


def is_channels_first(space: Space) -> bool:
    """Return whether a part of an observation is a picture [C, H, W].

    If the last axis could be the channels, it is taken to be.
    """
    return (
        _has_picture_axes(space)
        and space.shape[0] <= MOST_CHANNELS_FIRST
        and space.shape[1] > 1
        and space.shape[2] > MOST_CHANNELS
    )


def channels_last(space: Space) -> tuple[int, ...]:
    """Return the shape [H, W, C] of a picture."""
    shape = space.shape or ()
    return (*shape[1:], shape[0]) if is_channels_first(space) else shape


def _has_picture_axes(space: Space) -> TypeGuard[Box]:
    return (
        isinstance(space, Box)
        and space.dtype == np.uint8
        and len(space.shape) == 3
        and 0 not in space.shape
    )


def is_measured(space: Space) -> bool:
    """Return whether a part of an observation consists of numbers that are worth normalising."""
    return isinstance(space, Box) and space.dtype != np.bool_
