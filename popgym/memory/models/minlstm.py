"""minLSTM: an LSTM without a cell state, whose gates depend only on the input.

    f = σ(W_f xₜ + b_f)        i = σ(W_i xₜ + b_i)        h̃ = W_h xₜ + b_h
    hₜ = f / (f + i) ⊙ hₜ₋₁ + i / (f + i) ⊙ h̃

where f is the forget gate, i is the input gate, h̃ is the candidate, h is the hidden state and the
output, σ is the logistic function and ⊙ is the elementwise product.

Feng et al., "Were RNNs All We Needed?" (2024), https://arxiv.org/abs/2410.01201, section 3.2. This
is the linear form, where the candidate h̃ may be any number. The paper's logarithmic form, made for
parallel scans, restricts it to positive numbers. The two factors f / (f + i) and i / (f + i) add up
to 1. A state is therefore a weighted mean of earlier candidates and cannot overflow.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from popgym.memory.base import Memory, Source
from popgym.memory.ops.leaky_scan import leaky_scan
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.resets import clear_at_first_step


class MinLSTMState(NamedTuple):
    """State: the hidden state."""

    hidden: Tensor  # [B, D]


class MinLSTM(Memory):
    """A minimal LSTM.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.

    Raises:
        ValueError: If a size is less than 1.
    """

    source: ClassVar[Source] = Source(
        "Feng et al.",
        "Were RNNs All We Needed?",
        2024,
        "https://arxiv.org/abs/2410.01201",
    )

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.inputs = Linear(input_size, 3 * hidden_size)  # f, i, h̃

    def initial_state(self, batch_size: int) -> MinLSTMState:
        """Return a hidden state of zeros."""
        return MinLSTMState(self.inputs.weight.new_zeros(batch_size, self.output_size))

    def forward(
        self, x: Tensor, state: MinLSTMState, start: Tensor | None = None
    ) -> tuple[Tensor, MinLSTMState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        (hidden,), start = clear_at_first_step(state, start)
        y = leaky_scan(_Share, self.inputs(x), hidden, start)
        return y, MinLSTMState(y[:, -1].clone())


class _Share:
    """z = i / (f + i) = σ(ln i − ln f), which avoids 0 / 0 where both gates are closed."""

    @staticmethod
    def open(a: Tensor) -> Tensor:
        f, i = a.chunk(2, -1)
        return (functional.logsigmoid(i) - functional.logsigmoid(f)).sigmoid()

    @staticmethod
    def differentiate(a: Tensor, dlogit: Tensor, out: Tensor) -> None:
        df, di = out.chunk(2, -1)
        closed_f, closed_i = a.neg().sigmoid_().chunk(2, -1)  # d ln σ(a) / da
        torch.mul(dlogit, closed_f, out=df).neg_()
        torch.mul(dlogit, closed_i, out=di)
