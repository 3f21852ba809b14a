"""The gated recurrent unit.

    r = σ(W_ir xₜ + b_ir + W_hr hₜ₋₁ + b_hr)
    z = σ(W_iz xₜ + b_iz + W_hz hₜ₋₁ + b_hz)
    n = tanh(W_in xₜ + b_in + r ⊙ (W_hn hₜ₋₁ + b_hn))
    hₜ = (1 − z) ⊙ n + z ⊙ hₜ₋₁

Cho et al., "Learning Phrase Representations using RNN Encoder–Decoder for Statistical Machine
Translation" (2014), https://arxiv.org/abs/1406.1078, in the parameterisation of ``torch.nn.GRU``
(the reset gate acts after the product with W_hn), whose weights are exchangeable with these.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from popgym.memory.base import Memory, check_size
from popgym.memory.gru_scan import GRUScan
from popgym.memory.resets import clear_at_first_step, reset_steps
from popgym.memory.torch_layers import by_layer, by_row, read_fused, runs_cells


class GRUState(NamedTuple):
    """The hidden states."""

    hidden: Tensor  # [B, num_layers * D], layer after layer


class GRU(Memory):
    """A gated recurrent unit, one or several layers.

    Args:
        input_size: F.
        hidden_size: D.
        num_layers: each reads the outputs of the one before it.

    Raises:
        ValueError: a size is less than 1.
    """

    source: ClassVar[str] = (
        "Cho et al., Learning Phrase Representations using RNN Encoder-Decoder for Statistical "
        "Machine Translation, 2014, https://arxiv.org/abs/1406.1078"
    )

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1) -> None:
        super().__init__(input_size, hidden_size)
        self.num_layers = check_size("num_layers", num_layers)
        self.gru = nn.GRU(input_size, hidden_size, num_layers, batch_first=True)

    def initial_state(self, batch_size: int) -> GRUState:
        """Return hidden states of zeros."""
        weight = next(self.gru.parameters())
        return GRUState(weight.new_zeros(batch_size, self.num_layers * self.output_size))

    def forward(
        self, x: Tensor, state: GRUState, start: Tensor | None = None
    ) -> tuple[Tensor, GRUState]:
        """Read x [B, T, F] to [B, T, D]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        state, start = clear_at_first_step(state, start)
        hidden = by_layer(state.hidden, self.num_layers)
        if runs_cells(x):
            y, hidden = self._scan(x, hidden, start)
        else:
            y, hidden = self._fused(x, hidden, start)
        return y, GRUState(by_row(hidden).to(state.hidden.dtype))

    def _scan(self, x: Tensor, hidden: Tensor, start: Tensor | None) -> tuple[Tensor, Tensor]:
        """Our own recurrence: faster on a CPU, and resets cost nothing; but not in bfloat16."""
        resets = reset_steps(start)
        y, last = x.transpose(0, 1), []
        for layer, h_0 in zip(self.gru.all_weights, hidden, strict=True):
            y = GRUScan.apply(y.contiguous(), h_0, *layer, resets)  # [T, B, D]
            last.append(y[-1])
        return y.transpose(0, 1), torch.stack(last)

    def _fused(self, x: Tensor, hidden: Tensor, start: Tensor | None) -> tuple[Tensor, Tensor]:
        """The kernel of torch, between the steps at which any row begins an episode."""
        y, (hidden,) = read_fused(self.gru, x, (hidden,), reset_steps(start))
        return y, hidden
