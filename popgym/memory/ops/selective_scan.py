"""The selective state space recurrence with its gradient written out.

    hₜ = exp(A ⊙ Δₜ) ⊙ hₜ₋₁ + Bₜ ⊗ (Δₜ ⊙ uₜ),  yₜ = Cₜ hₜ        h [N, E], A [N, E] < 0

where hₜ₋₁ = 0 if step t begins an episode. With ā = exp(A ⊙ Δ), p = ā ⊙ hₜ₋₁ and g = ∂L/∂hₜ,

    gₜ = Cₜ ⊗ ∂L/∂yₜ + āₜ₊₁ ⊙ gₜ₊₁, without the second term if step t + 1 begins an episode
    ∂L/∂C = hₜ · ∂L/∂yₜ    ∂L/∂B = gₜ · (Δₜ ⊙ uₜ)    ∂L/∂(Δ ⊙ u) = Bₜ · gₜ
    ∂L/∂(A ⊙ Δ) = g ⊙ p

Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces" (2023), algorithm 2,
https://arxiv.org/abs/2312.00752. As in its section 3.3.2 the states are not kept for the backward
pass, of which there are N times as many as inputs, but computed again, block of steps by block.
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
"""Steps whose states are held at once."""

_LOG2_E = math.log2(math.e)


@eager
def selective_scan(
    u: Tensor, delta: Tensor, a: Tensor, b: Tensor, c: Tensor, h_0: Tensor, start: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Run the recurrence, in the precision of its state.

    Args:
        u: inputs [B, T, E].
        delta: step sizes Δ [B, T, E].
        a: A [N, E].
        b: B [B, T, N].
        c: C [B, T, N].
        h_0: state before the first step [B, N, E].
        start: [B, T] bool or None; the state is 0 before a step at which it is set.

    Returns:
        Outputs [B, T, E], and the state after the last step.
    """
    with torch.autocast(u.device.type, enabled=False):
        u, delta, b, c = (x.to(h_0.dtype).transpose(0, 1).contiguous() for x in (u, delta, b, c))
        y, h = _SelectiveScan.apply(delta * u, delta, a, b, c, h_0, reset_steps(start))
    return y.transpose(0, 1), h


class _SelectiveScan(torch.autograd.Function):
    """Time first: v = Δ ⊙ u, Δ [T, B, E], A [N, E], B, C [T, B, N], h_0 [B, N, E].

    In products a vector is written as a row: torch multiplies by columns at a tenth of the speed.
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
        carried = dh.clone()  # ā ⊙ g of the step after
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
    """Blocks of at most S steps, each with tensors [S, B, N, E] to compute in."""
    T, B, E = v.shape
    # the same for all blocks: memory that is asked for anew comes page by page
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
    # a power of 2 takes a third of the time of one of e, on processors that are not Intel's
    torch.mul(delta.unsqueeze(2), a * _LOG2_E, out=decay).exp2_()
    torch.mul(b.unsqueeze(3), v.unsqueeze(2), out=h)
    for t, (decay_t, h_tp1) in enumerate(zip(decay, h, strict=True)):
        h_t = h_tp1.addcmul_(decay_t, clear_at(h_t, resets, t))


def _gradients(
    g: Tensor, decay: Tensor, carried: Tensor, before: Tensor, h: Tensor, resets: Resets
) -> None:
    """Add to g [S, B, N, E] what comes from later steps, and turn ā into g ⊙ p, p = ā ⊙ hₜ₋₁.

    Args:
        g: C ⊗ ∂L/∂y.
        decay: ā [S, B, N, E].
        carried: ā ⊙ g [B, N, E] of the step after the block, then of its first.
        before: the state before the block.
        h: those after each step [S, B, N, E].
        resets: of these steps.
    """
    for t in reversed(range(len(g))):
        g[t] += carried
        torch.mul(g[t], decay[t], out=carried)
        if resets and (rows := resets[t]) is not None:
            carried.masked_fill_(rows.unsqueeze(2), 0)
        torch.mul(carried, clear_at(h[t - 1] if t else before, resets, t), out=decay[t])
