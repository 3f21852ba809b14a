"""The matrix with which state space models begin, in its own coordinates.

HiPPO-LegS keeps the coefficients of the past in Legendre polynomials. It is the sum of a normal and
a low-rank matrix; the normal part alone does as well, and is diagonal in complex coordinates:

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
    """Return of each pair of conjugate eigenvalues that with a positive imaginary part.

    Args:
        size: of A; even.

    Returns:
        Λ [size / 2] by rising imaginary part, and its eigenvectors V [size, size / 2]; complex128.
    """
    # A + ½ is skew-symmetric, −i (A + ½) Hermitian
    skew = hippo_normal(size) + torch.eye(size, dtype=torch.float64) / 2
    frequencies, vectors = torch.linalg.eigh(-1j * skew)  # rising, in pairs ± ω
    frequencies = frequencies[size // 2 :]
    return torch.complex(torch.full_like(frequencies, -0.5), frequencies), vectors[:, size // 2 :]
