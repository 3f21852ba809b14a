"""Elman's simple recurrent network.

    hₜ = tanh(W xₜ + b + U hₜ₋₁)

Elman, "Finding Structure in Time" (1990), https://doi.org/10.1207/s15516709cog1402_1, with tanh
for the paper's logistic function, as in ``torch.nn.RNN``, whose weights are exchangeable with
these. With dₜ = ∂L/∂hₜ, the pre-activation's gradient is daₜ = dₜ (1 − hₜ²), and dₜ₋₁ = Uᵀ daₜ, or
0 where step t begins an episode.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from popgym.memory.base import Memory, check_size
from popgym.memory.recurrence import Resets, Tensors
from popgym.memory.resets import clear_at_first_step, reset_steps
from popgym.memory.torch_layers import by_layer, by_row, read_cells, read_fused, runs_cells


class ElmanState(NamedTuple):
    """The hidden states."""

    hidden: Tensor  # [B, num_layers * D], layer after layer


class Elman(Memory):
    """Elman's simple recurrent network, one or several layers.

    Args:
        input_size: F.
        hidden_size: D.
        num_layers: each reads the outputs of the one before it.

    Raises:
        ValueError: a size is less than 1.
    """

    source: ClassVar[str] = (
        "Elman, Finding Structure in Time, 1990, https://doi.org/10.1207/s15516709cog1402_1"
    )

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1) -> None:
        super().__init__(input_size, hidden_size)
        self.num_layers = check_size("num_layers", num_layers)
        self.rnn = nn.RNN(input_size, hidden_size, num_layers, batch_first=True)

    def initial_state(self, batch_size: int) -> ElmanState:
        """Return hidden states of zeros."""
        weight = next(self.rnn.parameters())
        return ElmanState(weight.new_zeros(batch_size, self.num_layers * self.output_size))

    def forward(
        self, x: Tensor, state: ElmanState, start: Tensor | None = None
    ) -> tuple[Tensor, ElmanState]:
        """Read x [B, T, F] to [B, T, D]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        state, start = clear_at_first_step(state, start)
        hidden, resets = (by_layer(state.hidden, self.num_layers),), reset_steps(start)
        if runs_cells(x):
            y, (after,) = read_cells(self.rnn, ElmanCell, x, hidden, resets)
        else:
            y, (after,) = read_fused(self.rnn, x, hidden, resets)
        return y, ElmanState(by_row(after).to(state.hidden.dtype))


class ElmanCell:
    """A ``Cell`` with one gate and no state but h."""

    @staticmethod
    def read(
        a: Tensor, states: Tensors, u: Tensor, resets: Resets, out: Tensor
    ) -> tuple[Tensors, Tensors]:
        """Keep h before and after each step."""
        (h_t,) = states
        h_tm1s = []
        for t, a_t in enumerate(a.unbind()):
            if resets and (rows := resets[t]) is not None:
                h_t = h_t.masked_fill(rows, 0)
            h_tm1s.append(h_t)
            h_t = a_t.addmm_(h_t, u.mT).tanh_()
        out.copy_(a)
        return (torch.stack(h_tm1s), a), (h_t,)

    @staticmethod
    def differentiate(
        saved: Tensors, dy: Tensor, d_states: Tensors, u: Tensor, resets: Resets
    ) -> tuple[Tensor, Tensors]:
        """Run the gradients' equations backwards over the steps."""
        _, h = saved
        da = torch.empty_like(h)
        (d_h,) = d_states
        views = [*zip(dy.unbind(), h.unbind(), da.unbind(), strict=True)]
        for t, (dy_t, h_t, da_t) in reversed([*enumerate(views)]):
            torch.ops.aten.tanh_backward.grad_input(d_h + dy_t, h_t, grad_input=da_t)
            d_h = da_t @ u
            if resets and (rows := resets[t]) is not None:
                d_h.masked_fill_(rows, 0)
        return da, (d_h,)
