"""minLSTM: an LSTM without a cell, whose gates see only the input.

    f = σ(W_f xₜ + b_f)        i = σ(W_i xₜ + b_i)        h̃ = W_h xₜ + b_h
    hₜ = f / (f + i) ⊙ hₜ₋₁ + i / (f + i) ⊙ h̃

Feng et al., "Were RNNs All We Needed?" (2024), https://arxiv.org/abs/2410.01201, section 3.2, in
its linear form, where the candidate h̃ is any number; not the paper's form in logarithms, which is
for parallel scans and makes it positive. The two shares add up to 1: a state is a mean of earlier
candidates, so that nothing can overflow.
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
    """The hidden state."""

    hidden: Tensor  # [B, D]


class MinLSTM(Memory):
    """A minimal LSTM.

    Args:
        input_size: F.
        hidden_size: D.

    Raises:
        ValueError: a size is less than 1.
    """

    source: ClassVar[Source] = Source(
        "Feng et al.",
        "Were RNNs All We Needed?",
        2024,
        "https://arxiv.org/abs/2410.01201",
    )

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.inputs = Linear(input_size, 3 * hidden_size)  # of f, of i, of h̃

    def initial_state(self, batch_size: int) -> MinLSTMState:
        """Return a hidden state of zeros."""
        return MinLSTMState(self.inputs.weight.new_zeros(batch_size, self.output_size))

    def forward(
        self, x: Tensor, state: MinLSTMState, start: Tensor | None = None
    ) -> tuple[Tensor, MinLSTMState]:
        """Read x [B, T, F] to [B, T, D]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        (hidden,), start = clear_at_first_step(state, start)
        y = leaky_scan(_Share, self.inputs(x), hidden, start)
        return y, MinLSTMState(y[:, -1].clone())


class _Share:
    """z = i / (f + i) = σ(ln i − ln f), which does not divide 0 by 0 where both are closed."""

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
