"""The selective state space recurrence with an explicit gradient.

    hₜ = exp(A ⊙ Δₜ) ⊙ hₜ₋₁ + Bₜ ⊗ (Δₜ ⊙ uₜ),  yₜ = Cₜ hₜ        h [N, E], A [N, E] < 0

where hₜ₋₁ = 0 if step t begins an episode. With ā = exp(A ⊙ Δ), p = ā ⊙ hₜ₋₁ and g = ∂L/∂hₜ,

    gₜ = Cₜ ⊗ ∂L/∂yₜ + āₜ₊₁ ⊙ gₜ₊₁, without the second term if step t + 1 begins an episode
    ∂L/∂C = hₜ · ∂L/∂yₜ    ∂L/∂B = gₜ · (Δₜ ⊙ uₜ)    ∂L/∂(Δ ⊙ u) = Bₜ · gₜ
    ∂L/∂(A ⊙ Δ) = g ⊙ p

As in section 3.3.2 of the paper, the states are not saved for the backward pass, because they take
N times the memory of the inputs. The backward pass computes them again, block by block.

Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces" (2023), algorithm 2,
https://arxiv.org/abs/2312.00752.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from popgym.memory.ops.eager import eager
from popgym.memory.ops.first_order import first_order
from popgym.memory.ops.resets import Resets, clear_at, reset_steps

_BLOCK = 4
"""Steps in a block. The states of one block are in memory at the same time."""

_LOG2_E = math.log2(math.e)


@eager
def selective_scan(
    u: Tensor, delta: Tensor, a: Tensor, b: Tensor, c: Tensor, h_0: Tensor, start: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Run the recurrence in the precision of the state.

    Args:
        u: Inputs [B, T, E].
        delta: Step sizes Δ [B, T, E].
        a: A [N, E].
        b: B [B, T, N].
        c: C [B, T, N].
        h_0: State before the first step [B, N, E].
        start: Episode start mask [B, T] bool, or None. The state is cleared before a marked step.

    Returns:
        Outputs [B, T, E], and the state after the last step.
    """
    with torch.autocast(u.device.type, enabled=False):
        u, delta, b, c = (x.to(h_0.dtype).transpose(0, 1).contiguous() for x in (u, delta, b, c))
        y, h = _SelectiveScan.apply(delta * u, delta, a, b, c, h_0, reset_steps(start))
    return y.transpose(0, 1), h


class _SelectiveScan(torch.autograd.Function):
    """The recurrence with the time axis first.

    The arguments are v = Δ ⊙ u and Δ [T, B, E], A [N, E], B and C [T, B, N], and h_0 [B, N, E].
    Matrix products have vectors as rows, because torch's product with a column vector runs at a
    tenth of the speed.
    """

    @staticmethod
    def forward(
        ctx: Any,
        v: Tensor,
        delta: Tensor,
        a: Tensor,
        b: Tensor,
        c: Tensor,
        h_0: Tensor,
        resets: Resets,
    ) -> tuple[Tensor, Tensor]:
        y, h_t, befores = torch.empty_like(v), h_0, []
        for steps, decay, h in _blocks(v, a, buffers=2):
            befores.append(h_t)
            block = (v[steps], delta[steps], a, b[steps])
            _states(*block, h_t, resets and resets[steps], decay, h)
            torch.matmul(c[steps].unsqueeze(2), h, out=y[steps].unsqueeze(2))
            h_t = h[-1].clone()
        ctx.save_for_backward(v, delta, a, b, c, *befores)
        ctx.resets = resets
        return y, h_t

    @staticmethod
    @first_order
    def backward(ctx: Any, dy: Tensor, dh: Tensor) -> tuple[Tensor | None, ...]:
        v, delta, a, b, c, *befores = ctx.saved_tensors
        dy = dy.contiguous()
        dv, d_delta, da, db, dc = map(torch.empty_like, (v, delta, a, b, c))
        da.zero_()
        carried = dh.clone()  # ā ⊙ g of the next step
        for steps, decay, h, g in reversed([*_blocks(v, a, buffers=3)]):
            before, resets = befores.pop(), ctx.resets and ctx.resets[steps]
            _states(v[steps], delta[steps], a, b[steps], before, resets, decay, h)
            torch.matmul(dy[steps].unsqueeze(2), h.mT, out=dc[steps].unsqueeze(2))
            torch.mul(c[steps].unsqueeze(3), dy[steps].unsqueeze(2), out=g)
            _gradients(g, decay, carried, before, h, resets)
            torch.matmul(v[steps].unsqueeze(2), g.mT, out=db[steps].unsqueeze(2))
            torch.matmul(b[steps].unsqueeze(2), g, out=dv[steps].unsqueeze(2))
            torch.sum(torch.mul(decay, a, out=h), 2, out=d_delta[steps])
            da += decay.mul_(delta[steps].unsqueeze(2)).sum((0, 1))
        return dv, d_delta, da, db, dc, carried, None


def _blocks(v: Tensor, a: Tensor, buffers: int) -> Iterator[tuple[Any, ...]]:
    """Yield blocks of at most S steps, each with ``buffers`` scratch tensors [S, B, N, E]."""
    T, B, E = v.shape
    # all blocks share the buffers: newly allocated memory is slow, as it is mapped page by page
    space = v.new_empty(buffers, min(_BLOCK, T), B, len(a), E)
    for begin in range(0, T, _BLOCK):
        steps = slice(begin, min(begin + _BLOCK, T))
        yield steps, *space[:, : steps.stop - begin]


def _states(
    v: Tensor,
    delta: Tensor,
    a: Tensor,
    b: Tensor,
    h_t: Tensor,
    resets: Resets,
    decay: Tensor,
    h: Tensor,
) -> None:
    """Write ā and h of S steps to ``decay`` and ``h`` [S, B, N, E]."""
    # exp2 takes a third of the time of exp on processors from vendors other than Intel
    torch.mul(delta.unsqueeze(2), a * _LOG2_E, out=decay).exp2_()
    torch.mul(b.unsqueeze(3), v.unsqueeze(2), out=h)
    for t, (decay_t, h_tp1) in enumerate(zip(decay, h, strict=True)):
        h_t = h_tp1.addcmul_(decay_t, clear_at(h_t, resets, t))


def _gradients(
    g: Tensor, decay: Tensor, carried: Tensor, before: Tensor, h: Tensor, resets: Resets
) -> None:
    """Add the gradients from later steps to ``g``, and overwrite ``decay`` with g ⊙ p.

    Args:
        g: C ⊗ ∂L/∂y [S, B, N, E] on entry, ∂L/∂h on return.
        decay: ā [S, B, N, E] on entry, g ⊙ p on return, where p = ā ⊙ hₜ₋₁.
        carried: ā ⊙ g [B, N, E], of the step after the block on entry, of the block's first step
            on return.
        before: State before the block [B, N, E].
        h: States after each step [S, B, N, E].
        resets: Resets of these steps.
    """
    for t in reversed(range(len(g))):
        g[t] += carried
        torch.mul(g[t], decay[t], out=carried)
        if resets and (rows := resets[t]) is not None:
            carried.masked_fill_(rows.unsqueeze(2), 0)
        torch.mul(carried, clear_at(h[t - 1] if t else before, resets, t), out=decay[t])
