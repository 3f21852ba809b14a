import pytest
import torch

from popgym.memory.ops.hippo import hippo_eigenvectors, hippo_normal


def test_it_is_legs_without_its_part_of_rank_one():
    size = 6
    legs = torch.zeros(size, size, dtype=torch.float64)
    for n in range(size):
        for k in range(n):
            legs[n, k] = -(((2 * n + 1) * (2 * k + 1)) ** 0.5)
        legs[n, n] = -(n + 1)
    p = torch.tensor([(n + 0.5) ** 0.5 for n in range(size)], dtype=torch.float64)
    torch.testing.assert_close(hippo_normal(size), legs + torch.outer(p, p))


@pytest.mark.parametrize("size", [2, 4, 32, 256])
def test_the_pairs_of_eigenvectors_give_the_matrix(size):
    eigenvalues, vectors = hippo_eigenvectors(size)
    assert eigenvalues.shape == (size // 2,)
    assert (eigenvalues.imag > 0).all()
    assert (eigenvalues.imag.diff() > 0).all()
    half = vectors @ torch.diag(eigenvalues) @ vectors.mH
    torch.testing.assert_close(2 * half.real, hippo_normal(size), rtol=1e-9, atol=1e-9)


def test_the_eigenvectors_are_orthogonal_also_to_their_conjugates():
    _, vectors = hippo_eigenvectors(16)
    both = torch.cat([vectors, vectors.conj()], 1)
    torch.testing.assert_close(both.mH @ both, torch.eye(16, dtype=both.dtype))
