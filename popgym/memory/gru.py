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
from popgym.memory.resets import clear_at_first_step, clear_rows


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
        hidden = state.hidden.unflatten(1, (self.num_layers, -1)).transpose(0, 1).contiguous()
        cuts = [0] if start is None else sorted({0, *start.any(0).nonzero().flatten().tolist()})
        outputs = []
        for begin, end in zip(cuts, [*cuts[1:], x.shape[1]], strict=True):
            if start is not None and begin:
                hidden = clear_rows(hidden.transpose(0, 1), start[:, begin]).transpose(0, 1)
            y, hidden = self.gru(x[:, begin:end], hidden.contiguous())
            outputs.append(y)
        return torch.cat(outputs, 1), GRUState(hidden.transpose(0, 1).flatten(1))
