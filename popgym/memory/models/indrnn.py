"""The independently recurrent neural network.

The recurrent weights are diagonal: within a layer, each unit depends only on its own past.

    hₜ = φ(W xₜ + b + u ⊙ hₜ₋₁),  |u| ≤ 1,  φ = ReLU or tanh

where hₜ is the hidden state and the output of a layer, W is its input weight, u holds one recurrent
weight for each unit, b is the bias and ⊙ is the elementwise product.

Li et al., "Independently Recurrent Neural Network (IndRNN): Building a Longer and Deeper RNN"
(2018), https://arxiv.org/abs/1803.04831, equation 4. Layers are stacked, so that W of the next
layer mixes the units. For sequences of T steps the paper bounds |u| by the T-th root of a constant
(section 4.1). The bound here is the limit for sequences of any length: no state grows
exponentially.
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple, cast

import torch
from torch import Tensor, nn

from popgym.memory.base import Memory, Source, check_size
from popgym.memory.ops.first_order import first_order
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.resets import clear_at_first_step
from popgym.memory.rnn.cell import Cell, Tensors
from popgym.memory.rnn.recurrence import run_cells

_aten = torch.ops.aten


class Activation(NamedTuple):
    """An activation function φ whose derivative can be computed from its output."""

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
    """Buffers for the gradients of one block; reusing them keeps them in the processor's cache."""

    d: Tensor  # [S, R, D]
    c: Tensor  # [S, R, D]
    # kept as views, because creating a view costs as much as a small operation
    later: list[Tensors]  # (dₜ₋₁, cₜ), the last step first


class IndRNNCell(Cell):
    """The cell of the IndRNN. It has one pre-activation, and its only state is h.

    Let dₜ = ∂L/∂hₜ include the effect on later steps. The gradient of the pre-activation is
    dₜ ⊙ φ'(hₜ), with φ' as a function of the output of φ, and dₜ₋₁ = ∂L/∂yₜ₋₁ + cₜ ⊙ dₜ. The
    factor cₜ = u ⊙ φ'(hₜ) is computed beforehand for all steps.

    Args:
        activation: Name of φ, a key of ``ACTIVATIONS``.
    """

    def __init__(self, activation: str) -> None:
        self._phi = ACTIVATIONS[activation]
        self._space: _Space | None = None

    def forward(
        self, a: Tensor, states: Tensors, u: Tensor, b_hh: Tensor, out: Tensor
    ) -> tuple[Tensors, Tensors]:
        """Run the steps; the gradients need only h."""
        (h_t,) = states
        if len(a) > 1:
            u = u.expand_as(h_t).contiguous()  # faster than broadcasting it in every step
        for a_t in a.unbind():
            h_t = self._phi.apply(a_t.addcmul_(u, h_t))
        return (), (h_t,)

    def differentiate(
        self, saved: Tensors, h: Tensor, h_tm1: Tensor, dy: Tensor, d_states: Tensors, u: Tensor
    ) -> tuple[Tensor, Tensor, Tensors]:
        """Compute the gradients, from the last step to the first, with one operation per step."""
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


class IndRNNState(NamedTuple):
    """State: the hidden states."""

    hidden: Tensor  # [B, num_layers, D]


class IndRNN(Memory):
    """An independently recurrent network, by default with two layers.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        activation: Activation function φ, ``"relu"`` or ``"tanh"``.
        num_layers: Number of layers; each takes the outputs of the previous one as inputs.

    Raises:
        ValueError: If a size is less than 1, or if the activation is unknown.
    """

    source: ClassVar[Source] = Source(
        "Li et al.",
        "Independently Recurrent Neural Network (IndRNN): Building a Longer and Deeper RNN",
        2018,
        "https://arxiv.org/abs/1803.04831",
    )

    def __init__(
        self, input_size: int, hidden_size: int, activation: str = "relu", num_layers: int = 2
    ) -> None:
        super().__init__(input_size, hidden_size)
        if activation not in ACTIVATIONS:
            allowed = " or ".join(f'"{name}"' for name in ACTIVATIONS)
            raise ValueError(f"activation must be {allowed}, got {activation!r}")
        self.activation = activation
        self.num_layers = check_size("num_layers", num_layers)
        sizes = [input_size] + [hidden_size] * (num_layers - 1)
        self.inputs = nn.ModuleList(Linear(size, hidden_size) for size in sizes)
        self.recurrent = nn.Parameter(torch.rand(num_layers, hidden_size))

    def initial_state(self, batch_size: int) -> IndRNNState:
        """Return hidden states of zeros."""
        return IndRNNState(self.recurrent.new_zeros(batch_size, *self.recurrent.shape))

    def forward(
        self, x: Tensor, state: IndRNNState, start: Tensor | None = None
    ) -> tuple[Tensor, IndRNNState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        state, start = clear_at_first_step(state, start)
        layers = cast("Iterable[Linear]", self.inputs)
        us = _Bound.apply(self.recurrent).unbind()
        weights = [
            (layer.weight, u, layer.bias, torch.zeros_like(layer.bias))
            for layer, u in zip(layers, us, strict=True)
        ]
        hidden = (state.hidden.transpose(0, 1),)
        y, (after,) = run_cells(IndRNNCell(self.activation), weights, x, hidden, start)
        return y, IndRNNState(after.transpose(0, 1))


class _Bound(torch.autograd.Function):
    """min(max(u, −1), 1), with a gradient outside the bounds if descent moves u back inside.

    The gradient of ``clamp`` is 0 outside the bounds, so a weight could never return.
    """

    @staticmethod
    def forward(ctx: Any, u: Tensor) -> Tensor:
        ctx.save_for_backward(u)
        return u.clamp(-1, 1)

    @staticmethod
    @first_order
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (u,) = ctx.saved_tensors
        # gradient descent moves u away from 0 where u and its gradient differ in sign
        return gradient.masked_fill((u.abs() > 1) & (u * gradient < 0), 0)
