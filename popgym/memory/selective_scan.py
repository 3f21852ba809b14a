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

from typing import Any

import torch
from torch import Tensor

from popgym.memory.first_order import first_order
from popgym.memory.resets import reset_steps

_BLOCK = 8
"""Steps whose states are held at once."""

Resets = list[Tensor | None] | None


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
    """Time first: v = Δ ⊙ u, Δ [T, B, E], A [N, E], B, C [T, B, N], h_0 [B, N, E]."""

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
        y, h, befores = torch.empty_like(v), h_0, []
        for steps in _blocks(v):
            befores.append(h)
            h_ts = _states(v[steps], delta[steps], a, b[steps], h, resets and resets[steps])[-1]
            torch.matmul(c[steps].unsqueeze(2), h_ts, out=y[steps].unsqueeze(2))
            h = h_ts[-1].clone()
        ctx.save_for_backward(v, delta, a, b, c, *befores)
        ctx.resets = resets
        return y, h

    @staticmethod
    @first_order
    def backward(ctx: Any, dy: Tensor, dh: Tensor) -> tuple[Tensor | None, ...]:
        v, delta, a, b, c, *befores = ctx.saved_tensors
        dv, d_delta, da, db, dc = map(torch.empty_like, (v, delta, a, b, c))
        da.zero_()
        g_tp1 = dh  # already multiplied by the decay
        for steps, before in reversed([*zip(_blocks(v), befores, strict=True)]):
            resets = ctx.resets and ctx.resets[steps]
            decay, p, h = _states(v[steps], delta[steps], a, b[steps], before, resets)
            torch.matmul(h, dy[steps].unsqueeze(3), out=dc[steps].unsqueeze(3))
            g = torch.mul(c[steps].unsqueeze(3), dy[steps].unsqueeze(2), out=h)
            g_tp1 = _gradients(g, decay, g_tp1, resets)
            torch.matmul(g, v[steps].unsqueeze(3), out=db[steps].unsqueeze(3))
            torch.matmul(b[steps].unsqueeze(2), g, out=dv[steps].unsqueeze(2))
            g *= p
            torch.sum(torch.mul(g, a, out=p), 2, out=d_delta[steps])
            da += g.mul_(delta[steps].unsqueeze(2)).sum((0, 1))
        return dv, d_delta, da, db, dc, g_tp1, None


def _blocks(x: Tensor) -> list[slice]:
    return [slice(begin, begin + _BLOCK) for begin in range(0, len(x), _BLOCK)]


def _states(
    v: Tensor, delta: Tensor, a: Tensor, b: Tensor, h_t: Tensor, resets: Resets
) -> tuple[Tensor, Tensor, Tensor]:
    """ā, p and h of S steps [S, B, N, E]."""
    decay = (a * delta.unsqueeze(2)).exp_()
    h = b.unsqueeze(3) * v.unsqueeze(2)
    p = torch.empty_like(h)
    for t, (decay_t, p_t, h_tp1) in enumerate(zip(decay, p, h, strict=True)):
        if resets and (rows := resets[t]) is not None:
            h_t = h_t.masked_fill(rows.unsqueeze(2), 0)
        torch.mul(decay_t, h_t, out=p_t)
        h_t = h_tp1.add_(p_t)
    return decay, p, h


def _gradients(g: Tensor, decay: Tensor, g_tp1: Tensor, resets: Resets) -> Tensor:
    """Add to g [S, B, N, E] what comes from later steps; that of the state before is returned."""
    for t in reversed(range(len(g))):
        g[t] += g_tp1
        g_tp1 = g[t] * decay[t]
        if resets and (rows := resets[t]) is not None:
            g_tp1.masked_fill_(rows.unsqueeze(2), 0)
    return g_tp1
