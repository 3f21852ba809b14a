"""The initial transition matrix of state space models, and its eigenvectors.

The HiPPO-LegS matrix keeps the coefficients of the past input in Legendre polynomials. It is the
sum of a normal matrix and a low-rank matrix. The normal part A alone works as well, and complex
eigenvectors make it diagonal:

    A = V Λ Vᴴ,  Aₙₖ = −½ if n = k, −√(n + ½) √(k + ½) if n > k, √(n + ½) √(k + ½) if n < k

Gu, Gupta, Goel and Ré, "On the Parameterization and Initialization of Diagonal State Space Models"
(2022), https://arxiv.org/abs/2206.11893, there S4D-LegS.
"""

import torch
from torch import Tensor


def hippo_normal(size: int) -> Tensor:
    """Return A [size, size] in float64."""
    root = (torch.arange(size, dtype=torch.float64) + 0.5).sqrt()
    products = torch.outer(root, root)
    return products.triu(1) - products.tril(-1) - torch.eye(size, dtype=torch.float64) / 2


def hippo_eigenvectors(size: int) -> tuple[Tensor, Tensor]:
    """Return the eigenvalues of A with positive imaginary part, one of each conjugate pair.

    Args:
        size: Size of A, an even number.

    Returns:
        Eigenvalues Λ [size / 2] in ascending order of the imaginary part, and their eigenvectors V
        [size, size / 2]; both complex128.
    """
    # A + ½ I is skew-symmetric, so −i (A + ½ I) is Hermitian
    skew = hippo_normal(size) + torch.eye(size, dtype=torch.float64) / 2
    frequencies, vectors = torch.linalg.eigh(-1j * skew)  # ascending, in pairs ±ω
    frequencies = frequencies[size // 2 :]
    return torch.complex(torch.full_like(frequencies, -0.5), frequencies), vectors[:, size // 2 :]
