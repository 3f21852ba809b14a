"""Recurrences whose gates all depend on W xₜ and U hₜ₋₁, with explicit gradients.

This module holds what the networks share. A network's ``cell`` defines how pre-activations become
states. Rows are first reordered by episode (see ``episodes``), so that no state has to be cleared.
The steps are processed in blocks. Within a block, the inputs need one matrix product and each
weight's gradient needs one, and the intermediate results stay in the processor's cache.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import torch
from torch import Tensor

from popgym.memory.ops.eager import eager
from popgym.memory.ops.first_order import first_order
from popgym.memory.rnn.cell import Cell, Tensors
from popgym.memory.rnn.episodes import Episodes

_BLOCK = 512
"""Rows times steps of a block. Measured with 16 rows: none of the sizes from 128 to 1,024 is
faster."""


@eager
def run_cells(
    cell: Cell,
    layers: Iterable[Sequence[Tensor]],
    x: Tensor,
    states: Tensors,
    start: Tensor | None,
) -> tuple[Tensor, Tensors]:
    """Run the recurrence of ``cell`` layer by layer.

    Under autocast the products W x use the low precision of autocast. The recurrence uses the
    precision of the states.

    Args:
        cell: Cell of every layer.
        layers: W [G, F], U [G, D] or its diagonal [D], b_ih [G] and b_hh [G] of each of L layers.
        x: Inputs [B, T, F].
        states: h, followed by the cell's own states, each [L, B, D]. They must already be cleared
            in the rows whose first step begins an episode.
        start: Episode start mask [B, T] bool, or None.

    Returns:
        Outputs y [B, T, D], and the states after the last step.
    """
    device = x.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
    episodes = Episodes(x.shape[0], x.shape[1], start)
    y, last = episodes.cut(x), []
    for weights, *layer in zip(layers, *states, strict=True):
        before = map(episodes.before, layer)
        y, *after = Recurrence.apply(cell, episodes.sizes, y.to(dtype), *weights, *before)
        last.append([episodes.last(y), *map(episodes.after, after)])
    return episodes.join(y), tuple(map(torch.stack, zip(*last, strict=True)))


class Recurrence(torch.autograd.Function):
    """One recurrent layer in torch's parameterisation.

    Call ``Recurrence.apply(cell, sizes, x, w_ih, w_hh, b_ih, b_hh, h_0, ...)``. The input x [N, F]
    is ordered by step: its first ``sizes[0]`` rows are the first steps of all episodes, the next
    ``sizes[1]`` rows are the second steps of the longest episodes, and so on. If all episodes have
    the same length, x may be [T, B, F]. The last arguments are the states before the first step.

    The results are h after each step, with the leading axes of x, and the cell's own states after
    each episode.
    """

    @staticmethod
    def forward(
        ctx: Any,
        cell: Cell,
        sizes: list[int],
        x: Tensor,
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor,
        b_hh: Tensor,
        *states: Tensor,
    ) -> Tensors:
        """Return h after each step, and the cell's own states after each episode."""
        y = states[0].new_empty(*x.shape[:-1], states[0].shape[1])
        with torch.autocast(x.device.type, enabled=False):
            saved, after = _forward(cell, sizes, x, (w_ih, w_hh, b_ih, b_hh), states, out=y)
        ctx.save_for_backward(x, w_ih, w_hh, states[0], y, *saved)
        ctx.cell, ctx.sizes = cell, sizes
        return y, *after

    @staticmethod
    @first_order
    def backward(ctx: Any, dy: Tensor, *d_last: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x, the weights and the initial states."""
        with torch.autocast(dy.device.type, enabled=False):
            return None, None, *_differentiate(ctx, dy, d_last)


def _forward(
    cell: Cell, sizes: list[int], x: Tensor, weights: Tensors, states: Tensors, out: Tensor
) -> tuple[Tensors, Tensors]:
    """Return the tensors saved for the backward pass, and the cell's states after each episode."""
    w_ih, w_hh, b_ih, b_hh = weights
    w, b = w_ih.to(x.dtype), cell.input_bias(b_ih, b_hh).to(x.dtype)
    saved: list[Tensor] = []
    ended: list[Tensors] = []
    for block in _blocks(sizes):
        if block.size < len(states[0]):
            ended.append(tuple(state[block.size :] for state in states[1:]))
            states = tuple(state[: block.size] for state in states)
        h = block.steps(out)
        a = h if len(w) == h.shape[2] else h.new_empty(*h.shape[:2], len(w))
        _multiply(block.steps(x), w, b, out=a)
        kept, states = cell.forward(a, states, w_hh, b_hh, h)
        saved += kept
    after = map(torch.cat, zip(states[1:], *reversed(ended), strict=True))
    return (*saved,), (*after,)


def _multiply(x: Tensor, w: Tensor, b: Tensor, out: Tensor) -> None:
    """Write x Wᵀ + b to ``out``, which may have a wider dtype."""
    x, out = x.flatten(0, 1), out.flatten(0, 1)
    if x.dtype == out.dtype:
        torch.addmm(b, x, w.mT, out=out)
    else:
        out.copy_(torch.addmm(b, x, w.mT))


def _differentiate(ctx: Any, dy: Tensor, d_last: Tensors) -> Tensors:
    x, w_ih, w_hh, h_0, y, *saved = ctx.saved_tensors
    w, dx = w_ih.to(x.dtype), torch.empty_like(x)
    dw_ih, dw_hh = torch.zeros_like(w_ih), torch.zeros_like(w_hh)
    db_ih, db_hh = (w_ih.new_zeros(len(w_ih)) for _ in range(2))
    d_last = (torch.zeros_like(h_0), *d_last)
    d_states = tuple(d[:0] for d in d_last)
    blocks = _blocks(ctx.sizes)
    count = len(saved) // len(blocks)
    for index, block in reversed([*enumerate(blocks)]):
        if (size := len(d_states[0])) < block.size:  # some episodes end here
            ending = (d[size : block.size] for d in d_last)
            d_states = tuple(map(torch.cat, zip(d_states, ending, strict=True)))
        kept = tuple(saved[index * count : (index + 1) * count])
        h, h_tm1 = block.steps(y), _before(blocks, index, y, h_0)
        da, du, d_states = ctx.cell.differentiate(kept, h, h_tm1, block.steps(dy), d_states, w_hh)
        db = da.sum((0, 1))
        db_ih += db
        db_hh += db if du is da else du.sum((0, 1))
        da = da.to(x.dtype)
        _add_products(da, block.steps(x), to=dw_ih)
        _add_products(du, h_tm1, to=dw_hh)
        torch.matmul(da, w, out=block.steps(dx))
    return dx, dw_ih, dw_hh, db_ih, db_hh, *d_states


def _add_products(d: Tensor, x: Tensor, to: Tensor) -> None:
    """Add the gradient of a weight [G, F] or [D] to ``to``, given the gradient d of W x."""
    d, x = d.flatten(0, 1), x.flatten(0, 1)
    if to.dim() == 1:
        to += (d * x).sum(0)
    elif to.dtype == d.dtype:
        to.addmm_(d.mT, x)
    else:
        to += d.mT @ x


class _Block(NamedTuple):
    """A block of consecutive steps at which the same R episodes run: rows begin to end of x."""

    begin: int
    end: int
    size: int  # R

    def steps(self, x: Tensor) -> Tensor:
        """Return the part [S, R, F] of x [N, F] or [T, B, F] that belongs to this block."""
        if x.dim() == 3:
            return x[self.begin // self.size : self.end // self.size]
        return x[self.begin : self.end].unflatten(0, (-1, self.size))


def _blocks(sizes: list[int]) -> list[_Block]:
    blocks, begin = [], 0
    for size, steps in groupby(sizes):
        end = begin + size * len([*steps])
        length = size * max(1, _BLOCK // size)
        blocks += [_Block(b, min(b + length, end), size) for b in range(begin, end, length)]
        begin = end
    return blocks


def _before(blocks: list[_Block], index: int, y: Tensor, h_0: Tensor) -> Tensor:
    """Return the states h before each step of a block [S, R, D]."""
    begin, end, size = blocks[index]
    y = y.flatten(0, -2)
    if index and blocks[index - 1].size == size:
        return y[begin - size : end - size].unflatten(0, (-1, size))
    first = y[begin - blocks[index - 1].size : begin] if index else h_0
    return torch.cat([first[:size], y[begin : end - size]]).unflatten(0, (-1, size))
