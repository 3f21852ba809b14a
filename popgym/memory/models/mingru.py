"""minGRU: a gated recurrent unit whose gates see only the input.

    z = σ(W_z xₜ + b_z)        h̃ = W_h xₜ + b_h        hₜ = (1 − z) ⊙ hₜ₋₁ + z ⊙ h̃

Feng et al., "Were RNNs All We Needed?" (2024), https://arxiv.org/abs/2410.01201, section 3.1, in
its linear form, where the candidate h̃ is any number; not the paper's form in logarithms, which is
for parallel scans and makes it positive. As no gate waits for a state, all inputs are one product;
and a state is a mean of earlier candidates, so that nothing can overflow.
"""

from typing import ClassVar, NamedTuple

from torch import Tensor

from popgym.memory.base import Memory, Source
from popgym.memory.ops.leaky_scan import leaky_scan
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.resets import clear_at_first_step


class MinGRUState(NamedTuple):
    """The hidden state."""

    hidden: Tensor  # [B, D]


class MinGRU(Memory):
    """A minimal gated recurrent unit.

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
        self.inputs = Linear(input_size, 2 * hidden_size)  # of z, of h̃

    def initial_state(self, batch_size: int) -> MinGRUState:
        """Return a hidden state of zeros."""
        return MinGRUState(self.inputs.weight.new_zeros(batch_size, self.output_size))

    def forward(
        self, x: Tensor, state: MinGRUState, start: Tensor | None = None
    ) -> tuple[Tensor, MinGRUState]:
        """Read x [B, T, F] to [B, T, D]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        (hidden,), start = clear_at_first_step(state, start)
        y = leaky_scan(_Sigmoid, self.inputs(x), hidden, start)
        return y, MinGRUState(y[:, -1].clone())


class _Sigmoid:
    """z = σ(a)."""

    @staticmethod
    def open(a: Tensor) -> Tensor:
        return a.sigmoid()

    @staticmethod
    def differentiate(a: Tensor, dlogit: Tensor, out: Tensor) -> None:
        out.copy_(dlogit)
