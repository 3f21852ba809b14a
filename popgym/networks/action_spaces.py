"""The action distribution of an action space, also of nested ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from popgym.networks.distributions import (
    ActionDistribution,
    Categorical,
    DiagonalGaussian,
    MultiCategorical,
)

MOST_CHOICES = 4096
"""The most choices of one number of an integer Box, each of which is an output of the actor."""


class Joint:
    """Independent distributions of the parts of a Tuple or Dict.

    An action [..., K] holds the numbers of all parts, one after the other, in float32, which is
    exact for every choice. The inputs are those of all parts, too; the logarithms of standard
    deviations come last.

    Args:
        space: The Tuple or Dict.
        parts: The distribution of each of its parts that is not nested, in order.
    """

    def __init__(self, space: Any, parts: Sequence[ActionDistribution]) -> None:
        self.space, self.parts = space, list(parts)
        self.num_scales = sum(part.num_scales for part in self.parts)
        self.num_inputs = sum(part.num_inputs for part in self.parts)
        self._columns = [max(1, part.num_columns) for part in self.parts]
        self.num_columns = sum(self._columns)

    def _split(self, inputs: Tensor) -> list[Tensor]:
        first = [part.num_inputs - part.num_scales for part in self.parts]
        pieces = inputs.split([*first, *(part.num_scales for part in self.parts)], -1)
        count = len(self.parts)
        return [
            torch.cat(pair, -1) if pair[1].shape[-1] else pair[0]
            for pair in zip(pieces[:count], pieces[count:], strict=True)
        ]

    def _actions(self, actions: Any) -> list[Any]:
        """Return the actions [..., K] of the parts, each in the form that its part takes."""
        ends = np.cumsum(self._columns)
        return [
            actions[..., end - width : end] if part.num_columns else actions[..., end - 1]
            for part, width, end in zip(self.parts, self._columns, ends, strict=True)
        ]

    def _join(self, actions: list[Tensor]) -> Tensor:
        columns = [
            action if part.num_columns else action.unsqueeze(-1)
            for part, action in zip(self.parts, actions, strict=True)
        ]
        return torch.cat([column.float() for column in columns], -1)

    def sample(self, inputs: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Sample each part independently."""
        pairs = zip(self.parts, self._split(inputs), strict=True)
        return self._join([part.sample(x, generator) for part, x in pairs])

    def mode(self, inputs: Tensor) -> Tensor:
        """Return the most probable action of each part."""
        pairs = zip(self.parts, self._split(inputs), strict=True)
        return self._join([part.mode(x) for part, x in pairs])

    def log_prob(self, inputs: Tensor, actions: Tensor) -> Tensor:
        """Return the sum over the parts."""
        triples = zip(self.parts, self._split(inputs), self._actions(actions), strict=True)
        terms = [part.log_prob(x, a if part.num_scales else a.long()) for part, x, a in triples]
        return torch.stack(terms).sum(0)

    def entropy(self, inputs: Tensor) -> Tensor:
        """Return the sum over the parts."""
        pairs = zip(self.parts, self._split(inputs), strict=True)
        return torch.stack([part.entropy(x) for part, x in pairs]).sum(0)

    def kl(self, inputs_p: Tensor, inputs_q: Tensor) -> Tensor:
        """Return the sum over the parts."""
        triples = zip(self.parts, self._split(inputs_p), self._split(inputs_q), strict=True)
        return torch.stack([part.kl(p, q) for part, p, q in triples]).sum(0)

    def to_env(self, actions: np.ndarray) -> Any:
        """Return the actions in tuples and dicts, as the space is nested."""
        pairs = zip(self.parts, self._actions(actions), strict=True)
        return _nest(self.space, iter([part.to_env(a) for part, a in pairs]))


def _nest(space: Any, values: Any) -> Any:
    """Return values, one for each part that is not nested, in the structure of a space."""
    kinds = _kinds(space)
    if "Tuple" in kinds:
        return tuple(_nest(part, values) for part in space.spaces)
    if "Dict" in kinds:
        return {key: _nest(part, values) for key, part in space.spaces.items()}
    return next(values)


def _parts(space: Any) -> list[Any]:
    kinds = _kinds(space)
    if "Tuple" in kinds:
        return [leaf for part in space.spaces for leaf in _parts(part)]
    if "Dict" in kinds:
        return [leaf for part in space.spaces.values() for leaf in _parts(part)]
    return [space]


def _kinds(space: Any) -> set[str]:
    # Compare names of classes, because popgym.networks does not import Gymnasium.
    return {base.__name__ for base in type(space).__mro__}


def action_distribution(space: Any) -> ActionDistribution:
    """Return the distribution for a Gymnasium action space.

    Args:
        space: A Discrete, MultiDiscrete, MultiBinary, Box, or a Tuple or Dict of these, with any
            nesting. Each number of a Box of whole numbers is one of its choices.

    Raises:
        ValueError: If it is any other space, an empty one, or one with too many choices.
    """
    if _kinds(space) & {"Tuple", "Dict"} and _parts(space):
        return Joint(space, [_of_part(part, space) for part in _parts(space)])
    return _of_part(space, space)


def _of_part(space: Any, whole: Any) -> ActionDistribution:
    kinds = _kinds(space)
    if "Discrete" in kinds:
        return Categorical(int(space.n), space.dtype.type(space.start))
    if "MultiDiscrete" in kinds and space.nvec.ndim and space.nvec.size:
        return MultiCategorical(space.nvec.reshape(-1).tolist(), np.asarray(space.start))
    if "MultiBinary" in kinds and np.prod(space.shape):
        return MultiCategorical([2] * int(np.prod(space.shape)), np.zeros(space.shape, space.dtype))
    if "Box" in kinds and space.low.size:
        if space.dtype in (np.float16, np.float32, np.float64):
            return DiagonalGaussian(space.low, space.high)
        if space.dtype.kind in "biu":
            return _of_whole_numbers(space)
    raise ValueError(
        f"the action space {_named(whole)} is not supported: it must be made of Discrete, "
        "MultiDiscrete, MultiBinary, Box of real or whole numbers, Tuple and Dict, with at least "
        "one number; wrap the environment in a gymnasium.ActionWrapper that offers one of these"
    )


def _of_whole_numbers(space: Any) -> MultiCategorical:
    low, high = (limit.reshape(-1).tolist() for limit in (space.low, space.high))
    sizes = [int(b) - int(a) + 1 for a, b in zip(low, high, strict=True)]
    if max(sizes) > MOST_CHOICES:
        raise ValueError(
            f"the action space {_named(space)} has a number with {max(sizes):,} choices; at most "
            f"{MOST_CHOICES:,} are supported: use a Box of real numbers, and round them"
        )
    return MultiCategorical(sizes, space.low)


def _named(space: Any) -> str:
    return " ".join(str(space).split())
