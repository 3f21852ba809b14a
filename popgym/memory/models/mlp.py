"""No memory: the control that every memory has to beat."""

from typing import ClassVar, NamedTuple

from torch import Tensor
from torch.nn import functional

from popgym.memory.base import Memory
from popgym.memory.ops.linear import Linear


class MLPState(NamedTuple):
    """Nothing is kept."""


class MLP(Memory):
    """Two layers on each input alone: yₜ = φ(W₂ φ(W₁ xₜ + b₁) + b₂), φ a leaky ReLU."""

    source: ClassVar[str] = "no memory: the control"

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.hidden = Linear(input_size, hidden_size)
        self.output = Linear(hidden_size, hidden_size)

    @property
    def receptive_field(self) -> int:
        """Only the input itself."""
        return 1

    def initial_state(self, batch_size: int) -> MLPState:
        """Return the empty state."""
        return MLPState()

    def forward(
        self, x: Tensor, state: MLPState, start: Tensor | None = None
    ) -> tuple[Tensor, MLPState]:
        """Map x [B, T, F] to [B, T, D]; ``state`` and ``start`` change nothing."""
        self.check_arguments(x, state, start)
        return functional.leaky_relu(self.output(functional.leaky_relu(self.hidden(x)))), state
