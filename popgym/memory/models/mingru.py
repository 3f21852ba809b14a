"""minGRU: a gated recurrent unit whose gate depends only on the input.

    z = σ(W_z xₜ + b_z)        h̃ = W_h xₜ + b_h        hₜ = (1 − z) ⊙ hₜ₋₁ + z ⊙ h̃

where z is the gate, h̃ is the candidate, h is the hidden state and the output, σ is the logistic
function and ⊙ is the elementwise product.

Feng et al., "Were RNNs All We Needed?" (2024), https://arxiv.org/abs/2410.01201, section 3.1. This
is the linear form, where the candidate h̃ may be any number. The paper's logarithmic form, made for
parallel scans, restricts it to positive numbers. Because the gate does not depend on the state, the
products of all steps are computed at once. A state is a weighted mean of earlier candidates, so it
cannot overflow.
"""

from typing import ClassVar, NamedTuple

from torch import Tensor

from popgym.memory.base import Memory, Source
from popgym.memory.ops.leaky_scan import leaky_scan
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.resets import clear_at_first_step


class MinGRUState(NamedTuple):
    """State: the hidden state."""

    hidden: Tensor  # [B, D]


class MinGRU(Memory):
    """A minimal gated recurrent unit.

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
        self.inputs = Linear(input_size, 2 * hidden_size)  # z, h̃

    def initial_state(self, batch_size: int) -> MinGRUState:
        """Return a hidden state of zeros."""
        return MinGRUState(self.inputs.weight.new_zeros(batch_size, self.output_size))

    def forward(
        self, x: Tensor, state: MinGRUState, start: Tensor | None = None
    ) -> tuple[Tensor, MinGRUState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
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
