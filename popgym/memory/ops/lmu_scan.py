"""The LMU's recurrence over time with an explicit gradient; see ``lmu`` for its equations.

Let daₜ = dhₜ (1 − hₜ²) be the gradient of the pre-activation of hₜ. The gradients of the states
before step t are cleared if step t begins an episode:

    dmₜ += W_mᵀ daₜ          duₜ = B · dmₜ
    dmₜ₋₁ = Aᵀ dmₜ + e_m duₜ   dhₜ₋₁ = W_hᵀ daₜ + e_h duₜ

The gradient of each weight is one matrix product over all steps.
"""

from typing import Any

import torch
from torch import Tensor

from popgym.memory.ops.first_order import first_order
from popgym.memory.ops.resets import reset_steps


class LMUScan(torch.autograd.Function):
    """``LMUScan.apply(ux, hx, h_0, m_0, e_h, e_m, A, B, W, start)`` -> h [T, B, D], m_T [B, M].

    ux [T, B] is e_x · x, hx [T, B, D] is W_x x, and W [D, D + M] is W_h concatenated with W_m. The
    episode start mask ``start`` is [B, T] bool or None. The other tensors must have the same dtype,
    and autocast must be off.
    """

    @staticmethod
    def forward(
        ctx: Any,
        ux: Tensor,
        hx: Tensor,
        h_0: Tensor,
        m_0: Tensor,
        e_h: Tensor,
        e_m: Tensor,
        A: Tensor,  # noqa: N803
        B: Tensor,  # noqa: N803
        W: Tensor,  # noqa: N803
        start: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Return the hidden states after each step, and the memory after the last."""
        D = hx.shape[2]
        resets = reset_steps(start)
        h, u = torch.empty_like(hx, memory_format=torch.contiguous_format), torch.empty_like(ux)
        q = hx.new_empty(*ux.shape, D + len(A))  # hₜ₋₁ (cleared) and mₜ
        views = (x.unbind() for x in (ux, hx, h, u, q, q[..., :D], q[..., D:]))
        h_t, m_t = h_0, m_0
        for t, (ux_t, hx_t, out, u_t, q_t, q_h, q_m) in enumerate(zip(*views, strict=True)):
            if resets and (rows := resets[t]) is not None:
                h_t, m_t = h_t.masked_fill(rows, 0), m_t.masked_fill(rows, 0)
            q_h.copy_(h_t)
            torch.addmv(ux_t.addmv(h_t, e_h), m_t, e_m, out=u_t)
            m_t = torch.addmm(u_t.outer(B), m_t, A.mT, out=q_m)
            h_t = torch.addmm(hx_t, q_t, W.mT, out=out).tanh_()
        ctx.save_for_backward(u, h, q, m_0, e_h, e_m, A, B, W)
        ctx.start, ctx.resets = start, resets
        return h, m_t.clone()

    @staticmethod
    @first_order
    def backward(ctx: Any, dy: Tensor, dm_last: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the nine tensors."""
        with torch.autocast(dy.device.type, enabled=False):
            return _differentiate(ctx, dy, dm_last)


def _differentiate(ctx: Any, dy: Tensor, d_m: Tensor) -> tuple[Tensor | None, ...]:
    u, h, q, m_0, e_h, e_m, A, B, W = ctx.saved_tensors
    D = h.shape[2]
    da, du, dm = torch.empty_like(h), torch.empty_like(u), q.new_empty(*u.shape, len(A))
    d_h = torch.zeros_like(h[0])
    views = [*zip(*(x.unbind() for x in (dy, h, da, du, dm)), strict=True)]
    for t, (dy_t, h_t, da_t, du_t, dm_t) in reversed([*enumerate(views)]):
        torch.ops.aten.tanh_backward.grad_input(d_h + dy_t, h_t, grad_input=da_t)
        d_q = da_t @ W
        torch.add(d_m, d_q[:, D:], out=dm_t)
        torch.mv(dm_t, B, out=du_t)
        d_m = torch.addmm(du_t.outer(e_m), dm_t, A)
        d_h = torch.addr(d_q[:, :D], du_t, e_h)
        if ctx.resets and (rows := ctx.resets[t]) is not None:
            d_h.masked_fill_(rows, 0)
            d_m.masked_fill_(rows, 0)
    d_e_h = du.flatten() @ q[..., :D].flatten(0, 1)
    d_e_m = _through_time(du.unsqueeze(2), m_0, q, ctx.start).squeeze(0)
    learns_a, learns_b = ctx.needs_input_grad[6:8]
    d_a = _through_time(dm, m_0, q, ctx.start) if learns_a else None
    d_b = u.flatten() @ dm.flatten(0, 1) if learns_b else None
    d_w = da.flatten(0, 1).mT @ q.flatten(0, 1)
    return du, da, d_h, d_m, d_e_h, d_e_m, d_a, d_b, d_w, None


def _through_time(d: Tensor, m_0: Tensor, q: Tensor, start: Tensor | None) -> Tensor:
    """Return Σₜ dₜᵀ mₜ₋₁ [N, M] for d [T, B, N], over the steps t that begin no episode."""
    if start is not None:
        d = d.masked_fill(start.mT.unsqueeze(2), 0)
    m = q[:-1, :, -m_0.shape[1] :]
    return (d[1:].flatten(0, 1).mT @ m.flatten(0, 1)).addmm_(d[0].mT, m_0)
