"""Recurrences whose gates all see W xₜ and U hₜ₋₁, with their gradients written out, for CPUs.

    aₜ = W xₜ + b + U hₜ₋₁,   hₜ, cₜ = cell(aₜ, cₜ₋₁)

A cell knows how pre-activations ``a`` become states, and how gradients of states become those of
``a``; what Elman's network and the LSTM share is here. Steps are read in blocks: a block's inputs
are one product, and so is each weight's gradient, while what is computed in between is still in the
processor's cache. A reset costs only the clearing of the state.
"""

from typing import Any, Protocol

import torch
from torch import Tensor
from torch.amp import custom_bwd, custom_fwd

from popgym.memory.first_order import first_order
from popgym.memory.linear import linear

_BLOCK = 8
"""Steps."""

Resets = list[Tensor | None] | None
Tensors = tuple[Tensor, ...]


class Cell(Protocol):
    """Both directions through S steps.

    States [B, D] are h, then the cell's own. Both directions clear them where a step begins an
    episode, which ``resets`` says as ``reset_steps`` does.
    """

    @staticmethod
    def read(
        a: Tensor, states: Tensors, u: Tensor, resets: Resets, out: Tensor
    ) -> tuple[Tensors, Tensors]:
        """Write h after each step to ``out``.

        Args:
            a: W x + b [S, B, G]; may be written to.
            states: those before the first step.
            u: U [G, D].
            resets: of these steps.
            out: [S, B, D].

        Returns:
            What ``differentiate`` needs, h before each step [S, B, D] first; and the states after
            the last step.
        """

    @staticmethod
    def differentiate(
        saved: Tensors, dy: Tensor, d_states: Tensors, u: Tensor, resets: Resets
    ) -> tuple[Tensor, Tensors]:
        """Return the gradients of ``a`` and of the states before the first step.

        Args:
            saved: from ``read``.
            dy: gradient of h after each step [S, B, D], by later layers alone.
            d_states: gradients of the states after the last step, by later steps alone.
            u: U [G, D].
            resets: of these steps.
        """


class Recurrence(torch.autograd.Function):
    """One recurrent layer in torch's parameterisation, in float32 or float64.

    ``Recurrence.apply(cell, resets, x, w_ih, w_hh, b_ih, b_hh, h_0, ...)`` takes x [T, B, F]
    contiguous and the states before the first step. It gives h after each step [T, B, D], then the
    cell's own states after the last.
    """

    @staticmethod
    @custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(
        ctx: Any,
        cell: type[Cell],
        resets: Resets,
        x: Tensor,
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor,
        b_hh: Tensor,
        *states: Tensor,
    ) -> Tensors:
        """Return the outputs after each step and the cell's own states after the last."""
        y = x.new_empty(*x.shape[:2], w_hh.shape[1])
        saved: list[Tensor] = []
        for steps in _blocks(x):
            a = linear(x[steps], w_ih, b_ih + b_hh)
            block, states = cell.read(a, states, w_hh, resets and resets[steps], out=y[steps])
            saved += block
        ctx.save_for_backward(x, w_ih, w_hh, *saved)
        ctx.cell, ctx.resets = cell, resets
        return y, *states[1:]

    @staticmethod
    @custom_bwd(device_type="cpu")
    @first_order
    def backward(ctx: Any, dy: Tensor, *d_states: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the tensors."""
        x, w_ih, w_hh, *saved = ctx.saved_tensors
        dx, dw_ih, dw_hh = map(torch.zeros_like, (x, w_ih, w_hh))
        db = w_hh.new_zeros(len(w_hh))
        d_states = (torch.zeros_like(dy[0]), *d_states)
        blocks = _blocks(x)
        size = len(saved) // len(blocks)
        for index, steps in reversed([*enumerate(blocks)]):
            block = tuple(saved[index * size : (index + 1) * size])
            resets = ctx.resets and ctx.resets[steps]
            da, d_states = ctx.cell.differentiate(block, dy[steps], d_states, w_hh, resets)
            dw_ih.addmm_(da.flatten(0, 1).mT, x[steps].flatten(0, 1))
            dw_hh.addmm_(da.flatten(0, 1).mT, block[0].flatten(0, 1))
            db += da.sum((0, 1))
            torch.matmul(da, w_ih, out=dx[steps])
        return None, None, dx, dw_ih, dw_hh, db, db.clone(), *d_states


def _blocks(x: Tensor) -> list[slice]:
    return [slice(begin, begin + _BLOCK) for begin in range(0, len(x), _BLOCK)]
