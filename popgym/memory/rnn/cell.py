"""What a recurrent network's cell knows; ``recurrence`` knows the rest."""

from abc import ABC, abstractmethod

from torch import Tensor

Tensors = tuple[Tensor, ...]


class Cell(ABC):
    """How pre-activations become states, and how the states' gradients become theirs.

        aₜ = W xₜ + b_ih + U hₜ₋₁ + b_hh        hₜ, cₜ = cell(aₜ, cₜ₋₁)

    Both directions go through S steps of R rows, none of which begins an episode on the way. The
    states [R, D] are h, then the cell's own. U is [G, D], or [D] if it is diagonal.
    """

    def input_bias(self, b_ih: Tensor, b_hh: Tensor) -> Tensor:
        """What is added to W x at once, of the two biases [G]."""
        return b_ih + b_hh

    @abstractmethod
    def read(
        self, a: Tensor, states: Tensors, u: Tensor, b_hh: Tensor, out: Tensor
    ) -> tuple[Tensors, Tensors]:
        """Write h after each step to ``out``.

        Args:
            a: W x and its bias [S, R, G]; may be written to. It is ``out`` itself where G = D.
            states: those before the first step.
            u: U.
            b_hh: the bias that belongs to U h [G].
            out: [S, R, D].

        Returns:
            What ``differentiate`` needs besides h; and the states after the last step.
        """

    @abstractmethod
    def differentiate(
        self, saved: Tensors, h: Tensor, h_tm1: Tensor, dy: Tensor, d_states: Tensors, u: Tensor
    ) -> tuple[Tensor, Tensor, Tensors]:
        """Return the gradients of W x, of U h, and of the states before the first step.

        Args:
            saved: from ``read``.
            h: after each step [S, R, D].
            h_tm1: before each step [S, R, D].
            dy: gradient of h after each step, by later layers alone.
            d_states: gradients of the states after the last step, by later steps alone.
            u: U.
        """
