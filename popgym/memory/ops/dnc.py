"""One step of the differentiable neural computer's external memory.

The memory has N cells of W numbers, one write head and R read heads. Each head accesses the cells
with a weighting. A step frees the cells that were read and are no longer needed, then writes, then
reads:

    c(k, β, M) = softmax over cells of β cos(k, M[i])                          content weighting
    u ← (u + w − u ⊙ w) ⊙ Πᵣ (1 − fᵣ wʳ)                                       usage
    a[φⱼ] = (1 − u[φⱼ]) Π_{i<j} u[φᵢ],  φ: cells from least used to most used  allocation
    w = g_w (g_a a + (1 − g_a) c(k, β, M))                                     write weighting
    M ← M ⊙ (1 − w ⊗ e) + w ⊗ v                                                memory
    L[i, j] ← (1 − w[i] − w[j]) L[i, j] + w[i] p[j],  L[i, i] = 0              i written after j
    p ← (1 − Σ w) p + w                                                        written last
    wʳ ← π₁ Lᵀ wʳ + π₂ c(kʳ, βʳ, M) + π₃ L wʳ                                  read weightings
    rʳ = Mᵀ wʳ                                                                 what is read

As in the authors' program, https://github.com/google-deepmind/dnc, 10⁻⁶ keeps norms and usages
above 0, where gradients would not be finite. Two other details of that program differ from the
paper; here the paper is followed. In the paper β is at least 1, in the program at least 0. In the
paper the gradient flows from u to w, the program stops it.

Graves et al., "Hybrid computing using a neural network with dynamic external memory" (2016),
Methods, https://doi.org/10.1038/nature20101.
"""

from functools import reduce
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

_EPSILON = 1e-6


class Cells(NamedTuple):
    """The state of the external memory after a step."""

    reads: Tensor  # [B, R, W], r
    memory: Tensor  # [B, N, W], M
    usage: Tensor  # [B, N], u
    precedence: Tensor  # [B, N], p
    link: Tensor  # [B, N, N], L
    read_weights: Tensor  # [B, R, N], wʳ
    write_weights: Tensor  # [B, N], w


class Interface(NamedTuple):
    """The controller's instructions for one step; kʳ and k are unit vectors."""

    keys: Tensor  # [B, R + 1, W], kʳ and, last, k
    strengths: Tensor  # [B, R + 1, 1], βʳ and, last, β
    vector: Tensor  # [B, W], v
    erase: Tensor  # [B, W], e
    free: Tensor  # [B, R, 1], f
    allocation_gate: Tensor  # [B, 1], g_a
    write_gate: Tensor  # [B, 1], g_w
    modes: Tensor  # [B, R, 3], π


def interface_size(heads: int, width: int) -> int:
    """Return the number of controller outputs that ``parse`` expects."""
    return heads * width + 3 * width + 5 * heads + 3


def parse(xi: Tensor, heads: int, width: int) -> Interface:
    """Split the controller's outputs [B, interface_size] and map each to its range."""
    R, W = heads, width
    keys, vector, strengths, gates, modes = xi.split([(R + 1) * W, W, R + 1, W + R + 2, 3 * R], 1)
    erase, free, allocation_gate, write_gate = gates.sigmoid().split([W, R, 1, 1], 1)
    return Interface(
        unit(keys.unflatten(1, (R + 1, W))),
        1 + functional.softplus(strengths).unsqueeze(2),
        vector,
        erase,
        free.unsqueeze(2),
        allocation_gate,
        write_gate,
        modes.unflatten(1, (R, 3)).softmax(2),
    )


def unit(vectors: Tensor) -> Tensor:
    """Scale vectors [..., W] to norm 1; vectors close to 0 get a smaller norm."""
    return vectors * (vectors.square().sum(-1, keepdim=True) + _EPSILON).rsqrt()


def step(cells: Cells, unit_memory: Tensor, wanted: Interface) -> tuple[Cells, Tensor]:
    """Free, write and read.

    Args:
        cells: State before the step.
        unit_memory: ``unit(cells.memory)``. Each step returns it for the next step.
        wanted: The controller's instructions.

    Returns:
        The state after the step, and ``unit`` of its memory.
    """
    usage = _usage(cells, wanted.free)
    keys, write_key = wanted.keys[:, :-1], wanted.keys[:, -1:]
    strengths, write_strength = wanted.strengths[:, :-1], wanted.strengths[:, -1:]
    content = _content(write_key, write_strength, unit_memory).squeeze(1)
    w = wanted.write_gate * content.lerp(_allocation(usage), wanted.allocation_gate)

    w_column = w.unsqueeze(2)
    change = wanted.vector.unsqueeze(1) - wanted.erase.unsqueeze(1) * cells.memory
    memory = torch.addcmul(cells.memory, w_column, change)
    unit_memory = unit(memory)
    link = _link(cells, w_column)
    precedence = torch.addcmul(
        cells.precedence + w, w.sum(1, keepdim=True), cells.precedence, value=-1
    )

    backward, by_content, forward = wanted.modes.split(1, 2)  # [B, R, 1]
    read_weights = by_content * _content(keys, strengths, unit_memory)
    read_weights = read_weights.baddbmm(backward * cells.read_weights, link)
    read_weights = read_weights.baddbmm(forward * cells.read_weights, link.mT)
    reads = read_weights @ memory
    return Cells(reads, memory, usage, precedence, link, read_weights, w), unit_memory


def _content(keys: Tensor, strengths: Tensor, unit_memory: Tensor) -> Tensor:
    """Return c [B, heads, N] for unit keys [B, heads, W]."""
    return (strengths * (keys @ unit_memory.mT)).softmax(-1)


def _usage(cells: Cells, free: Tensor) -> Tensor:
    written = cells.usage + (1 - cells.usage) * cells.write_weights
    retained = (1 - free * cells.read_weights).unbind(1)
    return reduce(torch.mul, retained, written)


def _allocation(usage: Tensor) -> Tensor:
    """Return the allocation weighting a [B, N]. Of equally used cells, the first comes first."""
    usage, order = (_EPSILON + (1 - _EPSILON) * usage).sort(dim=1, stable=True)
    logarithm = usage.log()
    before = (logarithm.cumsum(1) - logarithm).exp()
    return torch.zeros_like(usage).scatter(1, order, (1 - usage) * before)


def _link(cells: Cells, w: Tensor) -> Tensor:
    """Return L after the write w [B, N, 1]. The factor ``elsewhere`` keeps its diagonal 0."""
    kept = torch.addcmul(cells.link, w + w.mT, cells.link, value=-1)
    N = w.shape[1]
    elsewhere = 1 - torch.eye(N, dtype=w.dtype, device=w.device)
    return torch.addcmul(kept, w * cells.precedence.unsqueeze(1), elsewhere)
