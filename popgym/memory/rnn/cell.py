"""The interface of a recurrent network's cell; ``recurrence`` runs a cell over time."""

from abc import ABC, abstractmethod

from torch import Tensor

Tensors = tuple[Tensor, ...]


class Cell(ABC):
    """Map from pre-activations to states, with its gradient.

        aₜ = W xₜ + b_ih + U hₜ₋₁ + b_hh        hₜ, cₜ = cell(aₜ, cₜ₋₁)

    The forward and the backward pass each process S steps of R rows. No episode begins within
    these steps. The states [R, D] are h, followed by the cell's own states. U is [G, D], or [D] if
    it is diagonal.
    """

    def input_bias(self, b_ih: Tensor, b_hh: Tensor) -> Tensor:
        """Return the bias [G] that is added together with W x, before the recurrence runs."""
        return b_ih + b_hh

    @abstractmethod
    def forward(
        self, a: Tensor, states: Tensors, u: Tensor, b_hh: Tensor, out: Tensor
    ) -> tuple[Tensors, Tensors]:
        """Run the forward pass and write h after each step to ``out``.

        Args:
            a: W x plus ``input_bias`` [S, R, G]. The cell may overwrite it. If G = D, it is the
                same tensor as ``out``.
            states: States before the first step.
            u: U.
            b_hh: Bias of U h [G].
            out: Output tensor [S, R, D].

        Returns:
            The tensors besides h that ``differentiate`` needs, and the states after the last step.
        """

    @abstractmethod
    def differentiate(
        self, saved: Tensors, h: Tensor, h_tm1: Tensor, dy: Tensor, d_states: Tensors, u: Tensor
    ) -> tuple[Tensor, Tensor, Tensors]:
        """Return the gradients of W x, of U h, and of the states before the first step.

        Args:
            saved: Tensors saved by ``forward``.
            h: h after each step [S, R, D].
            h_tm1: h before each step [S, R, D].
            dy: Gradient of h after each step, from later layers only.
            d_states: Gradients of the states after the last step, from later steps only.
            u: U.
        """
