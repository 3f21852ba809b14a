"""A feed-forward network without memory: the baseline for all memories."""

from typing import ClassVar, NamedTuple

from torch import Tensor
from torch.nn import functional

from popgym.memory.base import Memory
from popgym.memory.ops.linear import Linear


class MLPState(NamedTuple):
    """State: empty."""


class MLP(Memory):
    """Two layers applied to each input separately: yₜ = φ(W₂ φ(W₁ xₜ + b₁) + b₂).

    φ is a leaky ReLU.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.

    Raises:
        ValueError: If a size is less than 1.
    """

    source: ClassVar[str] = "no memory: the control"

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.hidden = Linear(input_size, hidden_size)
        self.output = Linear(hidden_size, hidden_size)

    @property
    def receptive_field(self) -> int:
        """1: an output depends only on the current input."""
        return 1

    def initial_state(self, batch_size: int) -> MLPState:
        """Return the empty state."""
        return MLPState()

    def forward(
        self, x: Tensor, state: MLPState, start: Tensor | None = None
    ) -> tuple[Tensor, MLPState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F], whatever ``start`` is."""
        self.check_arguments(x, state, start)
        return functional.leaky_relu(self.output(functional.leaky_relu(self.hidden(x)))), state
