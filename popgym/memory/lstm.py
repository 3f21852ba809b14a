"""Long short-term memory.

    i = σ(W_i xₜ + b_i + U_i hₜ₋₁)       f = σ(W_f xₜ + b_f + U_f hₜ₋₁)
    g = tanh(W_g xₜ + b_g + U_g hₜ₋₁)    o = σ(W_o xₜ + b_o + U_o hₜ₋₁)
    cₜ = f ⊙ cₜ₋₁ + i ⊙ g                hₜ = o ⊙ tanh(cₜ)

Hochreiter and Schmidhuber, "Long Short-Term Memory" (1997),
https://doi.org/10.1162/neco.1997.9.8.1735, with the forget gate f of Gers, Schmidhuber and Cummins,
"Learning to Forget" (2000), in the parameterisation of ``torch.nn.LSTM``, whose weights are
exchangeable with these.
"""

from typing import ClassVar, NamedTuple

from torch import Tensor, nn

from popgym.memory.base import Memory, check_size
from popgym.memory.lstm_cell import LSTMCell
from popgym.memory.resets import clear_at_first_step, reset_steps
from popgym.memory.torch_layers import by_layer, by_row, cuts, read_cells, read_fused, runs_cells

_STEPS_A_CUT = 4
"""Measured at 16 rows of 256 steps, from 128 to 256 features: whole or cut at every 8th step,
torch's kernel takes 4/5 of the time of our recurrence; cut at every 4th, as much."""


class LSTMState(NamedTuple):
    """The hidden states and the cells' contents, layer after layer."""

    hidden: Tensor  # [B, num_layers * D], h
    cell: Tensor  # [B, num_layers * D], c


class LSTM(Memory):
    """Long short-term memory, one or several layers.

    Args:
        input_size: F.
        hidden_size: D.
        num_layers: each reads the outputs of the one before it.

    Raises:
        ValueError: a size is less than 1.
    """

    source: ClassVar[str] = (
        "Hochreiter and Schmidhuber, Long Short-Term Memory, 1997, "
        "https://doi.org/10.1162/neco.1997.9.8.1735"
    )

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1) -> None:
        super().__init__(input_size, hidden_size)
        self.num_layers = check_size("num_layers", num_layers)
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True)

    def initial_state(self, batch_size: int) -> LSTMState:
        """Return states of zeros."""
        weight = next(self.lstm.parameters())
        size = (batch_size, self.num_layers * self.output_size)
        return LSTMState(weight.new_zeros(size), weight.new_zeros(size))

    def forward(
        self, x: Tensor, state: LSTMState, start: Tensor | None = None
    ) -> tuple[Tensor, LSTMState]:
        """Read x [B, T, F] to [B, T, D]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        state, start = clear_at_first_step(state, start)
        states, resets = tuple(by_layer(s, self.num_layers) for s in state), reset_steps(start)
        if runs_cells(x) and len(cuts(resets)) * _STEPS_A_CUT > x.shape[1]:
            y, after = read_cells(self.lstm, LSTMCell, x, states, resets)
        else:
            y, after = read_fused(self.lstm, x, states, resets)
        return y, LSTMState(*(by_row(s).to(state.cell.dtype) for s in after))
