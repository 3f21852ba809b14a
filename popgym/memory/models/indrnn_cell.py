"""The IndRNN's cell in both directions; see ``indrnn`` for its equations.

With dₜ = ∂L/∂hₜ, later steps included, the gradient of the pre-activation is dₜ ⊙ φ'(hₜ), and
dₜ₋₁ = ∂L/∂yₜ₋₁ + cₜ ⊙ dₜ, where cₜ = u ⊙ φ'(hₜ) is known beforehand for all steps.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from popgym.memory.rnn.cell import Cell, Tensors

_aten = torch.ops.aten


class Activation(NamedTuple):
    """A function φ whose derivative is known from its output."""

    apply: Callable[[Tensor], Tensor]  # in place
    differentiate: Callable[[Tensor, Tensor, Tensor], Any]  # (d, h, out): out = d φ'(h)


ACTIVATIONS = {
    "relu": Activation(
        torch.relu_, lambda d, h, out: _aten.threshold_backward.grad_input(d, h, 0, grad_input=out)
    ),
    "tanh": Activation(
        torch.tanh_, lambda d, h, out: _aten.tanh_backward.grad_input(d, h, grad_input=out)
    ),
}
"""φ by name."""


class _Space(NamedTuple):
    """Where gradients are computed, block after block: it stays in the processor's cache."""

    d: Tensor  # [S, R, D]
    c: Tensor  # [S, R, D]
    later: list[Tensors]  # (dₜ₋₁, cₜ), the last step first; a view costs as much as an operation


class IndRNNCell(Cell):
    """One gate, which sees u ⊙ hₜ₋₁, and no state but h.

    Args:
        activation: φ, a key of ``ACTIVATIONS``.
    """

    def __init__(self, activation: str) -> None:
        self._phi = ACTIVATIONS[activation]
        self._space: _Space | None = None

    def read(
        self, a: Tensor, states: Tensors, u: Tensor, b_hh: Tensor, out: Tensor
    ) -> tuple[Tensors, Tensors]:
        """Keep nothing but h."""
        (h_t,) = states
        if len(a) > 1:
            u = u.expand_as(h_t).contiguous()  # read faster than it is spread over the rows
        for a_t in a.unbind():
            h_t = self._phi.apply(a_t.addcmul_(u, h_t))
        return (), (h_t,)

    def differentiate(
        self, saved: Tensors, h: Tensor, h_tm1: Tensor, dy: Tensor, d_states: Tensors, u: Tensor
    ) -> tuple[Tensor, Tensor, Tensors]:
        """Run the gradients' equation backwards: one operation a step."""
        d, c, later = self._space_like(h)
        d.copy_(dy)
        self._phi.differentiate(u.expand_as(h), h, c)
        d_t = d[-1].add_(d_states[0])
        for d_tm1, c_t in later:
            d_t = d_tm1.addcmul_(c_t, d_t)
        d_before = c[0] * d_t
        self._phi.differentiate(d, h, d)
        return d, d, (d_before,)

    def _space_like(self, h: Tensor) -> _Space:
        if self._space is None or self._space.d.shape != h.shape:
            d, c = torch.empty_like(h), torch.empty_like(h)
            later = reversed([*zip(d[:-1].unbind(), c[1:].unbind(), strict=True)])
            self._space = _Space(d, c, [*later])
        return self._space
