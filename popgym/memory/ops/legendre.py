"""The delay of a signal as a linear system whose state consists of Legendre coefficients.

    θ m'(t) = A m(t) + B u(t)
    A_ij = (2i + 1) · (−1 if i < j else (−1)^(i−j+1)),   B_i = (2i + 1) (−1)^i
    u(t − s) ≈ Σᵢ Pᵢ(2s/θ − 1) mᵢ(t),  0 ≤ s ≤ θ,  Pᵢ the Legendre polynomials

The system is discretised with a zero-order hold, which the paper mentions besides Euler's method.
It is exact for an input that is constant within a step. It is also stable if N² is not small
compared to θ.

Voelker, Kajić and Eliasmith, "Legendre Memory Units: Continuous-Time Representation in Recurrent
Neural Networks" (2019), equations 1 to 3,
https://proceedings.neurips.cc/paper/2019/hash/952285b9b7e7a1be5aa7849f32ffff05-Abstract.html.
"""

import torch
from torch import Tensor

from popgym.memory.base import check_number


def delay(size: int, theta: float) -> tuple[Tensor, Tensor]:
    """Return A [N, N] and B [N] of mₜ = A mₜ₋₁ + B uₜ, in float64.

    Args:
        size: Number of coefficients N.
        theta: Delay θ in steps.
    """
    i = torch.arange(size, dtype=torch.float64).unsqueeze(1)
    scale = (2 * i + 1) / theta
    system = torch.zeros(size + 1, size + 1, dtype=torch.float64)
    system[:size, :size] = scale * torch.where(i < i.mT, -1, (-1) ** (i - i.mT + 1))
    system[:size, size:] = scale * (-1) ** i
    # exp([[A, B], [0, 0]]) = [[exp(A), ∫₀¹ exp(A s) B ds], [0, 1]]
    step = torch.linalg.matrix_exp(system)
    return step[:size, :size].clone(), step[:size, size].clone()


def check_theta(theta: float) -> float:
    """Return ``theta`` if it is a valid number of steps.

    Raises:
        TypeError: If ``theta`` is not a number.
        ValueError: If ``theta`` is not above 0, or not finite.
    """
    if not 0 < check_number("theta", theta) < float("inf"):
        raise ValueError(f"theta must be a number of steps above 0, got {theta}")
    return theta
