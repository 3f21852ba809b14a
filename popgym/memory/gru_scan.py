"""The GRU's recurrence over time with its gradient written out, for CPUs.

``torch.nn.GRU`` knows no resets: a row that begins an episode cuts the sequence for all rows. Here
a reset costs only the clearing of the state. The weights' gradients are one product for each block
of steps rather than one for each step; blocks are short, so that what is computed in between stays
in the processor's cache and is allocated from memory already at hand.

With σ' = σ (1 − σ) and tanh' = 1 − tanh², and dₜ = ∂L/∂hₜ, where a dot marks a pre-activation:

    dṅ = dₜ (1 − z) tanh'        dż = dₜ (hₜ₋₁ − n) σ'(z)        dṙ = dṅ (W_hn hₜ₋₁ + b_hn) σ'(r)
    dₜ₋₁ = dₜ z + W_hrᵀ dṙ + W_hzᵀ dż + W_hnᵀ (dṅ r), 0 where step t begins an episode
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.amp import custom_bwd, custom_fwd

from popgym.memory.first_order import first_order
from popgym.memory.linear import linear

_BLOCK = 8
"""Steps; measured: 8 and 16 are alike, the whole sequence at once is half as fast."""

Resets = list[Tensor | None] | None
_aten = torch.ops.aten


class _Block(NamedTuple):
    """What the backward pass needs of S steps."""

    rz: Tensor  # [S, B, 2D], reset and update gates
    n: Tensor  # [S, B, D], candidates
    hn: Tensor  # [S, B, D], W_hn h + b_hn
    h_tm1: Tensor  # [S, B, D], states before each step, cleared where an episode begins


class GRUScan(torch.autograd.Function):
    """One layer of a GRU in the parameterisation of ``torch.nn.GRU``, in float32 or float64.

    ``GRUScan.apply(x, h_0, w_ih, w_hh, b_ih, b_hh, resets)`` takes x [T, B, F] contiguous, h_0
    [B, D] and what ``reset_steps`` returns, and gives the states after each step [T, B, D].
    """

    @staticmethod
    @custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(
        ctx: Any,
        x: Tensor,
        h_0: Tensor,
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor,
        b_hh: Tensor,
        resets: Resets,
    ) -> Tensor:
        """Return the states after each step [T, B, D]."""
        weights = (w_ih, w_hh, b_ih, b_hh)
        y = x.new_empty(*x.shape[:2], w_hh.shape[1])
        h_t, blocks = h_0, []
        for begin in range(0, len(x), _BLOCK):
            steps = slice(begin, begin + _BLOCK)
            block = _read(x[steps], h_t, weights, resets and resets[steps], out=y[steps])
            blocks += [*block]
            h_t = y[steps][-1]
        ctx.save_for_backward(x, w_ih, w_hh, *blocks)
        ctx.resets = resets
        return y

    @staticmethod
    @custom_bwd(device_type="cpu")
    @first_order
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the six tensors."""
        x, w_ih, w_hh, *saved = ctx.saved_tensors
        D = w_hh.shape[1]
        dx = torch.empty_like(x)
        dw_ih, dw_hh = torch.zeros_like(w_ih), torch.zeros_like(w_hh)
        db_ih, db_hh = w_hh.new_zeros(3 * D), w_hh.new_zeros(3 * D)
        d_t = torch.zeros_like(dy[0])
        for begin in reversed(range(0, len(x), _BLOCK)):
            steps = slice(begin, begin + _BLOCK)
            first = begin // _BLOCK * len(_Block._fields)
            block = _Block(*saved[first : first + len(_Block._fields)])
            resets = ctx.resets and ctx.resets[steps]
            d_t, d_rz, d_n, d_hn = _differentiate(block, dy[steps], d_t, w_hh, resets)
            for rows, d_in, d_rec in (
                (slice(None, 2 * D), d_rz, d_rz),
                (slice(2 * D, None), d_n, d_hn),
            ):
                dw_ih[rows].addmm_(d_in.flatten(0, 1).mT, x[steps].flatten(0, 1))
                dw_hh[rows].addmm_(d_rec.flatten(0, 1).mT, block.h_tm1.flatten(0, 1))
                db_ih[rows] += d_in.sum((0, 1))
                db_hh[rows] += d_rec.sum((0, 1))
            torch.matmul(d_rz, w_ih[: 2 * D], out=dx[steps])
            dx[steps].flatten(0, 1).addmm_(d_n.flatten(0, 1), w_ih[2 * D :])
        return dx, d_t, dw_ih, dw_hh, db_ih, db_hh, None


def _read(
    x: Tensor, h_t: Tensor, weights: tuple[Tensor, ...], resets: Resets, out: Tensor
) -> _Block:
    """Write the states after each step of x [S, B, F] to ``out``."""
    w_ih, w_hh, b_ih, b_hh = weights
    D = w_hh.shape[1]
    w_rz, w_n = w_hh[: 2 * D].mT, w_hh[2 * D :].mT
    rz = linear(x, w_ih[: 2 * D], b_ih[: 2 * D] + b_hh[: 2 * D])
    n = linear(x, w_ih[2 * D :], b_ih[2 * D :])
    block = _Block(rz, n, torch.empty_like(n), torch.empty_like(n))
    for t, (rz_t, n_t, hn_t, h_tm1) in enumerate(zip(*block, strict=True)):
        h_tm1.copy_(h_t)
        if resets and (rows := resets[t]) is not None:
            h_tm1.masked_fill_(rows, 0)
        r_t, z_t = rz_t.addmm_(h_tm1, w_rz).sigmoid_().split(D, 1)
        torch.addmm(b_hh[2 * D :], h_tm1, w_n, out=hn_t)
        n_t.addcmul_(r_t, hn_t).tanh_()
        h_t = torch.lerp(n_t, h_tm1, z_t, out=out[t])
    return block


def _differentiate(
    block: _Block, dy: Tensor, d_t: Tensor, w_hh: Tensor, resets: Resets
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the gradient of the state before the block, and those of its pre-activations."""
    D = w_hh.shape[1]
    d_rz, d_n, d_hn = map(torch.empty_like, block[:3])
    for t in reversed(range(len(dy))):
        rz_t, n_t, hn_t, h_tm1 = (field[t] for field in block)
        r_t, z_t = rz_t.split(D, 1)
        d_r_t, d_z_t = d_rz[t].split(D, 1)
        d_t = d_t + dy[t]
        d_kept = d_t * z_t
        _aten.tanh_backward.grad_input(d_t - d_kept, n_t, grad_input=d_n[t])
        _aten.sigmoid_backward.grad_input(d_t * (h_tm1 - n_t), z_t, grad_input=d_z_t)
        _aten.sigmoid_backward.grad_input(d_n[t] * hn_t, r_t, grad_input=d_r_t)
        torch.mul(d_n[t], r_t, out=d_hn[t])
        d_t = d_kept.addmm_(d_rz[t], w_hh[: 2 * D]).addmm_(d_hn[t], w_hh[2 * D :])
        if resets and (rows := resets[t]) is not None:
            d_t.masked_fill_(rows, 0)
    return d_t, d_rz, d_n, d_hn
