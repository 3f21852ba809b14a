"""What a network's outputs say about actions: one distribution for each kind of action space.

A distribution is an object without parameters; the numbers come in as ``inputs [..., I]``, the
network's outputs. Actions inside are plain: counted from 0, or unbounded real numbers. ``to_env``
turns them into what the environment takes. The conventions are those of RLlib's default
distributions, so that the same weights mean the same policy in RLlib's own PPO and in ours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor


class ActionDistribution(Protocol):
    """The contract; leading axes ``...`` are free, every result but an action drops the last."""

    num_inputs: int  # I, network outputs needed

    def sample(self, inputs: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draws an action for each row of ``inputs [..., I]``."""

    def mode(self, inputs: Tensor) -> Tensor:
        """The most probable action."""

    def log_prob(self, inputs: Tensor, actions: Tensor) -> Tensor:
        """Logarithm of the probability (density) of ``actions``: [...]."""

    def entropy(self, inputs: Tensor) -> Tensor:
        """Entropy in nats: [...]."""

    def kl(self, inputs_p: Tensor, inputs_q: Tensor) -> Tensor:
        """Kullback-Leibler divergence KL(p ‖ q) in nats: [...]."""

    def to_env(self, actions: np.ndarray) -> np.ndarray:
        """Actions as the environment takes them."""


class Categorical:
    """One choice among ``n``; inputs are logits. ``first`` is the number the space starts at.

    The environment gets numbers of the type of ``first``.
    """

    def __init__(self, n: int, first: np.integer | int = 0) -> None:
        self.num_inputs = n
        self.first = np.asarray(first)

    def sample(self, inputs: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Argmax of logits + Gumbel noise (Gumbel 1954): one pass, no normalisation."""
        noise = torch.empty_like(inputs).exponential_(generator=generator).log_()
        return (inputs - noise).argmax(-1)

    def mode(self, inputs: Tensor) -> Tensor:
        """The choice with the largest logit."""
        return inputs.argmax(-1)

    def log_prob(self, inputs: Tensor, actions: Tensor) -> Tensor:
        """Log-softmax at the chosen index."""
        return inputs.log_softmax(-1).gather(-1, actions.unsqueeze(-1)).squeeze(-1)

    def entropy(self, inputs: Tensor) -> Tensor:
        """−Σ p log p."""
        log_p = inputs.log_softmax(-1)
        return -(log_p.exp() * log_p).sum(-1)

    def kl(self, inputs_p: Tensor, inputs_q: Tensor) -> Tensor:
        """Σ p (log p − log q)."""
        log_p, log_q = inputs_p.log_softmax(-1), inputs_q.log_softmax(-1)
        return (log_p.exp() * (log_p - log_q)).sum(-1)

    def to_env(self, actions: np.ndarray) -> np.ndarray:
        """Counts from the space's own first number."""
        return actions.astype(self.first.dtype) + self.first


class MultiCategorical:
    """Several independent choices; inputs are their logits side by side, actions are [..., K].

    ``first [K]`` holds the numbers that the space starts at; the environment gets their type.
    """

    def __init__(self, sizes: Sequence[int], first: np.ndarray) -> None:
        self.sizes = [int(n) for n in sizes]
        self.num_inputs = sum(self.sizes)
        self.first = first
        self._parts = [Categorical(n) for n in self.sizes]

    def _split(self, inputs: Tensor) -> tuple[Tensor, ...]:
        return inputs.split(self.sizes, -1)

    def sample(self, inputs: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Each choice drawn on its own."""
        pairs = zip(self._parts, self._split(inputs), strict=True)
        return torch.stack([part.sample(x, generator) for part, x in pairs], -1)

    def mode(self, inputs: Tensor) -> Tensor:
        """Each choice's most probable value."""
        return torch.stack([x.argmax(-1) for x in self._split(inputs)], -1)

    def log_prob(self, inputs: Tensor, actions: Tensor) -> Tensor:
        """Sum over the choices."""
        triples = zip(self._parts, self._split(inputs), actions.unbind(-1), strict=True)
        return torch.stack([part.log_prob(x, a) for part, x, a in triples]).sum(0)

    def entropy(self, inputs: Tensor) -> Tensor:
        """Sum over the choices."""
        pairs = zip(self._parts, self._split(inputs), strict=True)
        return torch.stack([part.entropy(x) for part, x in pairs]).sum(0)

    def kl(self, inputs_p: Tensor, inputs_q: Tensor) -> Tensor:
        """Sum over the choices."""
        triples = zip(self._parts, self._split(inputs_p), self._split(inputs_q), strict=True)
        return torch.stack([part.kl(p, q) for part, p, q in triples]).sum(0)

    def to_env(self, actions: np.ndarray) -> np.ndarray:
        """Counts from the space's own first numbers."""
        return actions.astype(self.first.dtype) + self.first


class DiagonalGaussian:
    """Independent normals: inputs are K means, then K logarithms of deviations; actions [..., K].

    Where the space is bounded, [−1, 1] stands for its bounds and what lies outside is clipped
    on the way to the environment, as RLlib's ``normalize_actions`` does. If only some sides are
    bounded, nothing is stretched, only clipped. A bound at the largest number that its type or
    float32 can hold is none.
    """

    def __init__(self, low: np.ndarray, high: np.ndarray) -> None:
        self.shape, self.dtype = low.shape, low.dtype
        self.size = int(np.prod(low.shape))
        self.num_inputs = 2 * self.size
        largest = min(float(np.finfo(kind).max) for kind in (low.dtype, np.float32))
        # In float64, because the distance between two float32 may be more than a float32 can be.
        self.low, self.high = (
            np.clip(limit.astype(np.float64), -largest, largest) for limit in (low, high)
        )
        self.bounded = bool((self.low > -largest).all() and (self.high < largest).all())

    def sample(self, inputs: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Mean + deviation · standard normal."""
        mean, log_std = inputs.chunk(2, -1)
        noise = torch.empty_like(mean).normal_(generator=generator)
        return mean + log_std.exp() * noise

    def mode(self, inputs: Tensor) -> Tensor:
        """The mean."""
        return inputs.chunk(2, -1)[0]

    def log_prob(self, inputs: Tensor, actions: Tensor) -> Tensor:
        """−½ Σ (z² + log 2π) − Σ log σ with z = (a − μ) / σ."""
        mean, log_std = inputs.chunk(2, -1)
        z = (actions - mean) * (-log_std).exp()
        return -(0.5 * (z.square() + math.log(2 * math.pi)) + log_std).sum(-1)

    def entropy(self, inputs: Tensor) -> Tensor:
        """Σ (log σ + ½ log 2πe)."""
        return (inputs.chunk(2, -1)[1] + 0.5 * math.log(2 * math.pi * math.e)).sum(-1)

    def kl(self, inputs_p: Tensor, inputs_q: Tensor) -> Tensor:
        """Σ log σq/σp + (σp² + (μp − μq)²) / 2σq² − ½."""
        mean_p, log_p = inputs_p.chunk(2, -1)
        mean_q, log_q = inputs_q.chunk(2, -1)
        spread = (2 * log_p).exp() + (mean_p - mean_q).square()
        return (log_q - log_p + 0.5 * spread * (-2 * log_q).exp() - 0.5).sum(-1)

    def to_env(self, actions: np.ndarray) -> np.ndarray:
        """Stretched to the bounds if there are any, and clipped to them; the space's shape."""
        actions = actions.reshape(*actions.shape[:-1], *self.shape)
        if self.bounded:
            unit = (np.clip(actions, -1.0, 1.0) + 1.0) * 0.5
            actions = self.low + unit * (self.high - self.low)
        return np.clip(actions, self.low, self.high).astype(self.dtype)


def action_distribution(space: Any) -> ActionDistribution:
    """The distribution for a gymnasium action space.

    Args:
        space: Discrete, MultiDiscrete (one row of choices) or Box of real numbers.

    Raises:
        ValueError: If it is any other space, or one without numbers.
    """
    # By name, so that this room needs torch alone.
    kinds = {base.__name__ for base in type(space).__mro__}
    if "Discrete" in kinds:
        return Categorical(int(space.n), space.dtype.type(space.start))
    if "MultiDiscrete" in kinds and space.nvec.ndim == 1 and space.nvec.size:
        return MultiCategorical(space.nvec.tolist(), space.start)
    if "Box" in kinds and space.dtype in (np.float16, np.float32, np.float64) and space.low.size:
        return DiagonalGaussian(space.low, space.high)
    raise ValueError(
        f"the action space {' '.join(str(space).split())} is not supported: it must be Discrete, "
        "one-dimensional MultiDiscrete, or a Box of float16, float32 or float64, with at least "
        "one number; wrap the environment in a gymnasium.ActionWrapper that offers one of these"
    )
