"""Action distributions: one class for each kind of action space.

A distribution object has no parameters of its own. Its methods take the network's outputs as
``inputs [..., I]``. Inside popgym, actions are integers counted from 0, or unbounded real numbers.
``to_env`` converts them to actions of the environment. The conventions are those of RLlib's default
distributions, so that the same weights give the same policy in RLlib's own PPO and in popgym's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor


class ActionDistribution(Protocol):
    """The interface of an action distribution.

    Inputs may have any leading axes ``...``. Every result except an action has exactly these axes.
    """

    num_inputs: int  # number of network outputs I
    num_columns: int  # numbers of an action: K for actions [..., K], 0 for actions [...]
    num_scales: int  # how many of them, at the end, are logarithms of standard deviations

    def sample(self, inputs: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Sample an action for each row of ``inputs [..., I]``."""

    def mode(self, inputs: Tensor) -> Tensor:
        """Return the most probable action."""

    def log_prob(self, inputs: Tensor, actions: Tensor) -> Tensor:
        """Return the logarithm of the probability, or of the density, of ``actions``: [...]."""

    def entropy(self, inputs: Tensor) -> Tensor:
        """Return the entropy in nats: [...]."""

    def kl(self, inputs_p: Tensor, inputs_q: Tensor) -> Tensor:
        """Return the Kullback-Leibler divergence KL(p ‖ q) in nats: [...]."""

    def to_env(self, actions: np.ndarray) -> Any:
        """Convert actions to the form that the environment expects."""


class Categorical:
    """A categorical distribution over ``n`` choices; the inputs are logits.

    Args:
        n: Number of choices.
        first: Smallest action of the space. The environment gets actions of its dtype.
    """

    num_columns, num_scales = 0, 0

    def __init__(self, n: int, first: np.integer | int = 0) -> None:
        self.num_inputs = n
        self.first = np.asarray(first)

    def sample(self, inputs: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the argmax of the logits plus Gumbel noise (Gumbel 1954).

        This takes one pass and does not normalise the logits.
        """
        noise = torch.empty_like(inputs).exponential_(generator=generator).log_()
        return (inputs - noise).argmax(-1)

    def mode(self, inputs: Tensor) -> Tensor:
        """Return the choice with the largest logit."""
        return inputs.argmax(-1)

    def log_prob(self, inputs: Tensor, actions: Tensor) -> Tensor:
        """Return the log-softmax at the chosen index."""
        return inputs.log_softmax(-1).gather(-1, actions.unsqueeze(-1)).squeeze(-1)

    def entropy(self, inputs: Tensor) -> Tensor:
        """Return −Σ p log p."""
        log_p = inputs.log_softmax(-1)
        return -(log_p.exp() * log_p).sum(-1)

    def kl(self, inputs_p: Tensor, inputs_q: Tensor) -> Tensor:
        """Return Σ p (log p − log q)."""
        log_p, log_q = inputs_p.log_softmax(-1), inputs_q.log_softmax(-1)
        return (log_p.exp() * (log_p - log_q)).sum(-1)

    def to_env(self, actions: np.ndarray) -> np.ndarray:
        """Add the smallest action of the space."""
        return actions.astype(self.first.dtype) + self.first


class MultiCategorical:
    """K independent categorical distributions; actions are [..., K].

    The inputs are the logits of all choices, concatenated.

    Args:
        sizes: Number of options of each choice.
        first: Smallest action of each choice, in the shape of the action space. The environment
            gets actions of its dtype.
    """

    num_scales = 0

    def __init__(self, sizes: Sequence[int], first: np.ndarray) -> None:
        self.sizes = [int(n) for n in sizes]
        self.num_inputs, self.num_columns = sum(self.sizes), len(self.sizes)
        self.first = first
        self._parts = [Categorical(n) for n in self.sizes]

    def _split(self, inputs: Tensor) -> tuple[Tensor, ...]:
        return inputs.split(self.sizes, -1)

    def sample(self, inputs: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Sample each choice independently."""
        pairs = zip(self._parts, self._split(inputs), strict=True)
        return torch.stack([part.sample(x, generator) for part, x in pairs], -1)

    def mode(self, inputs: Tensor) -> Tensor:
        """Return the most probable option of each choice."""
        return torch.stack([x.argmax(-1) for x in self._split(inputs)], -1)

    def log_prob(self, inputs: Tensor, actions: Tensor) -> Tensor:
        """Return the sum over the choices."""
        triples = zip(self._parts, self._split(inputs), actions.unbind(-1), strict=True)
        return torch.stack([part.log_prob(x, a) for part, x, a in triples]).sum(0)

    def entropy(self, inputs: Tensor) -> Tensor:
        """Return the sum over the choices."""
        pairs = zip(self._parts, self._split(inputs), strict=True)
        return torch.stack([part.entropy(x) for part, x in pairs]).sum(0)

    def kl(self, inputs_p: Tensor, inputs_q: Tensor) -> Tensor:
        """Return the sum over the choices."""
        triples = zip(self._parts, self._split(inputs_p), self._split(inputs_q), strict=True)
        return torch.stack([part.kl(p, q) for part, p, q in triples]).sum(0)

    def to_env(self, actions: np.ndarray) -> np.ndarray:
        """Add the smallest action of each choice, and reshape to the space."""
        shaped = actions.reshape(*actions.shape[:-1], *self.first.shape)
        if self.first.dtype == bool:
            return shaped.astype(bool) | self.first
        return (shaped.astype(self.first.dtype) + self.first).astype(self.first.dtype)


class DiagonalGaussian:
    """K independent normal distributions; actions are [..., K].

    The inputs are K means, followed by the logarithms of the K standard deviations.

    If the space is bounded on all sides, ``to_env`` maps the interval [−1, 1] to the bounds and
    clips actions outside of it, as RLlib's ``normalize_actions`` does. If only some sides are
    bounded, actions are clipped but not rescaled. A bound equal to the largest number of its dtype
    or of float32 counts as no bound.

    Args:
        low: Lower bounds, in the shape of the action space.
        high: Upper bounds, in the shape of the action space.
    """

    def __init__(self, low: np.ndarray, high: np.ndarray) -> None:
        self.shape, self.dtype = low.shape, low.dtype
        self.size = int(np.prod(low.shape))
        self.num_inputs, self.num_columns = 2 * self.size, self.size
        self.num_scales = self.size
        largest = min(float(np.finfo(kind).max) for kind in (low.dtype, np.float32))
        # In float64, because the difference of two float32 numbers may overflow float32.
        self.low, self.high = (
            np.clip(limit.astype(np.float64), -largest, largest) for limit in (low, high)
        )
        self.bounded = bool((self.low > -largest).all() and (self.high < largest).all())

    def sample(self, inputs: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the mean plus standard normal noise times the standard deviation."""
        mean, log_std = inputs.chunk(2, -1)
        noise = torch.empty_like(mean).normal_(generator=generator)
        return mean + log_std.exp() * noise

    def mode(self, inputs: Tensor) -> Tensor:
        """Return the mean."""
        return inputs.chunk(2, -1)[0]

    def log_prob(self, inputs: Tensor, actions: Tensor) -> Tensor:
        """Return −½ Σ (z² + log 2π) − Σ log σ with z = (a − μ) / σ."""
        mean, log_std = inputs.chunk(2, -1)
        z = (actions - mean) * (-log_std).exp()
        return -(0.5 * (z.square() + math.log(2 * math.pi)) + log_std).sum(-1)

    def entropy(self, inputs: Tensor) -> Tensor:
        """Return Σ (log σ + ½ log 2πe)."""
        return (inputs.chunk(2, -1)[1] + 0.5 * math.log(2 * math.pi * math.e)).sum(-1)

    def kl(self, inputs_p: Tensor, inputs_q: Tensor) -> Tensor:
        """Return Σ log σq/σp + (σp² + (μp − μq)²) / 2σq² − ½."""
        mean_p, log_p = inputs_p.chunk(2, -1)
        mean_q, log_q = inputs_q.chunk(2, -1)
        spread = (2 * log_p).exp() + (mean_p - mean_q).square()
        return (log_q - log_p + 0.5 * spread * (-2 * log_q).exp() - 0.5).sum(-1)

    def to_env(self, actions: np.ndarray) -> np.ndarray:
        """Rescale actions to the bounds, if all exist, clip and reshape them to the space."""
        actions = actions.reshape(*actions.shape[:-1], *self.shape)
        if self.bounded:
            unit = (np.clip(actions, -1.0, 1.0) + 1.0) * 0.5
            actions = self.low + unit * (self.high - self.low)
        return np.clip(actions, self.low, self.high).astype(self.dtype)
