"""Embeddings of the step within an episode: ``make_embedding(name, size, max_steps)``.

An embedding is a module that maps integer steps t [...], counted from 0, to features [..., size].
In the formulas, M is ``max_steps``, d is ``size`` and j is the index of a feature, counted from 0.
Steps beyond M are allowed. No embedding waits for an accelerator.

Every product with t is computed in double precision, whatever the dtype of the weights. In float32,
a large angle would have few correct digits. In bfloat16, steps 1,000 and 1,001 are the same number.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from popgym.core.arguments import unknown
from popgym.memory.base import check_size


class Learned(nn.Module):
    """A trained table of M rows. Steps beyond M use the last row."""

    def __init__(self, size: int, max_steps: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(max_steps, size))

    def forward(self, t: Tensor) -> Tensor:
        """Map steps [...] to features [..., size]."""
        return functional.embedding(t.clamp(max=len(self.table) - 1), self.table)


class Fixed(nn.Module):
    """A random table of M rows, saved but not trained. Steps beyond M use the last row."""

    table: Tensor

    def __init__(self, size: int, max_steps: int) -> None:
        super().__init__()
        self.register_buffer("table", torch.randn(max_steps, size))

    def forward(self, t: Tensor) -> Tensor:
        """Map steps [...] to features [..., size]."""
        return functional.embedding(t.clamp(max=len(self.table) - 1), self.table)


class Sine(nn.Module):
    """Interleaved sines and cosines: e₂ᵢ = sin(t · M^(−2i/d)), e₂ᵢ₊₁ = cos(t · M^(−2i/d)).

    The base is M; the paper uses 10,000.

    Vaswani et al., "Attention Is All You Need" (2017), section 3.5.
    """

    # On a CPU, a table lookup takes a hundredth of the time of computing the sines. On an
    # accelerator, sines are cheap and always computed, because finding the largest step would wait
    # for the device.
    MIN_ROWS = 4096

    table: Tensor

    def __init__(self, size: int, max_steps: int) -> None:
        super().__init__()
        self.size = size
        self.max_steps = max_steps
        steps = torch.arange(max(max_steps, self.MIN_ROWS))
        table = self._compute(steps).to(torch.get_default_dtype())
        self.register_buffer("table", table, persistent=False)

    def forward(self, t: Tensor) -> Tensor:
        """Map steps [...] to features [..., size]."""
        on_host = t.device.type == "cpu"
        if on_host and (t.numel() == 0 or int(t.max()) < len(self.table)):
            return functional.embedding(t, self.table)
        return self._compute(t).to(self.table.dtype)

    def _compute(self, t: Tensor) -> Tensor:
        i = torch.arange((self.size + 1) // 2, dtype=_widest(t), device=t.device)
        angle = t[..., None] * self.max_steps ** (-2.0 * i / self.size)  # [..., ceil(d / 2)]
        return torch.stack([angle.sin(), angle.cos()], -1).flatten(-2)[..., : self.size]


class ScaledSine(nn.Module):
    """``Sine`` times a learned weight for each feature.

    Three quarters of the weights, chosen at random so that no frequency is favoured, start at 0.
    The others start uniformly distributed in [0, 1].
    """

    def __init__(self, size: int, max_steps: int) -> None:
        super().__init__()
        self.sine = Sine(size, max_steps)
        weight = torch.zeros(size)
        awake = torch.randperm(size)[: size - 3 * size // 4]
        weight[awake] = torch.rand(len(awake))
        self.weight = nn.Parameter(weight)

    def forward(self, t: Tensor) -> Tensor:
        """Map steps [...] to features [..., size]."""
        return self.sine(t) * self.weight


class SimpleScaled(nn.Module):
    """t / M in the last four features, 0 in the others."""

    scale: Tensor

    def __init__(self, size: int, max_steps: int) -> None:
        super().__init__()
        scale = torch.zeros(size)
        scale[-4:] = 1.0 / max_steps
        self.register_buffer("scale", scale, persistent=False)

    def forward(self, t: Tensor) -> Tensor:
        """Map steps [...] to features [..., size]."""
        return _times(t, self.scale).to(self.scale.dtype)


class Perceptron(nn.Module):
    """sin(w t) with learned frequencies w [d], which start as a random vector of norm 1."""

    def __init__(self, size: int, max_steps: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.orthogonal_(torch.empty(size, 1)).squeeze(1))

    def forward(self, t: Tensor) -> Tensor:
        """Map steps [...] to features [..., size]."""
        return _times(t, self.weight).sin().to(self.weight.dtype)


class Base2(nn.Module):
    """The binary digits of t, lowest first: eⱼ = ⌊t / 2ʲ⌋ mod 2 for j < 16, 0 for other j."""

    shift: Tensor
    digit: Tensor

    def __init__(self, size: int, max_steps: int) -> None:
        super().__init__()
        j = torch.arange(size)
        self.register_buffer("shift", j.clamp(max=16), persistent=False)
        self.register_buffer("digit", (j < 16).to(torch.get_default_dtype()), persistent=False)

    def forward(self, t: Tensor) -> Tensor:
        """Map steps [...] to features [..., size]."""
        return ((t[..., None] >> self.shift) & 1) * self.digit


class Time2Vec(nn.Module):
    """e₀ = w₀ t + φ₀ and eⱼ = sin(wⱼ t + φⱼ) for j > 0, with learned w and φ.

    Kazemi et al., "Time2Vec: Learning a Vector Representation of Time" (2019), equation 1,
    https://arxiv.org/abs/1907.05321.
    """

    def __init__(self, size: int, max_steps: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.orthogonal_(torch.empty(size, 1)).squeeze(1))
        self.bias = nn.Parameter(torch.empty(size).uniform_(-1.0, 1.0))

    def forward(self, t: Tensor) -> Tensor:
        """Map steps [...] to features [..., size]."""
        linear = _times(t, self.weight) + self.bias
        return torch.cat([linear[..., :1], linear[..., 1:].sin()], -1).to(self.weight.dtype)


def _widest(tensor: Tensor) -> torch.dtype:
    """Return the dtype in which angles are computed. Apple's GPUs do not support float64."""
    return torch.float32 if tensor.device.type == "mps" else torch.float64


def _times(t: Tensor, weight: Tensor) -> Tensor:
    """Return the product [..., size] of steps t [...] and weights [size], in ``_widest``."""
    return t[..., None] * weight.to(_widest(t))


EMBEDDINGS: dict[str, type[nn.Module]] = {
    "learned": Learned,
    "fixed": Fixed,
    "sine": Sine,
    "scaled_sine": ScaledSine,
    "simple_scaled": SimpleScaled,
    "perceptron": Perceptron,
    "base2": Base2,
    "time2vec": Time2Vec,
}


def make_embedding(name: str | None, size: int, max_steps: int) -> nn.Module | None:
    """Return a new embedding, a module that maps integer steps [...] to features [..., size].

    Args:
        name: A key of ``EMBEDDINGS``; None or "none" for no embedding.
        size: Features d of the embedding.
        max_steps: M, the number of steps that the embedding is designed for. It is the number of
            rows of a table, the base of the sines' frequencies, and the unit of
            ``simple_scaled``. Longer episodes work too.

    Raises:
        ValueError: If the name is unknown, or a number is less than 1.
        TypeError: If the name is not a string, or a number is not an integer.
    """
    if name is None or name == "none":
        return None
    if not isinstance(name, str):
        raise TypeError(f"an embedding's name must be a string or None, got {name!r}")
    if name not in EMBEDDINGS:
        raise ValueError(unknown("embedding", name, ["none", *EMBEDDINGS]))
    for what, value in (("size", size), ("max_steps", max_steps)):
        check_size(f"an embedding's {what}", value)
    return EMBEDDINGS[name](size, max_steps)
