import math

import pytest
import torch
from numpy.polynomial import Legendre

from popgym.memory.ops.legendre import delay


def derivative(m, u, size, theta):
    """Equations 1 and 2 of the paper, an element at a time."""
    rates = []
    for i in range(size):
        rate = (2 * i + 1) * (-1) ** i * u
        for j in range(size):
            rate += (2 * i + 1) * (-1 if i < j else (-1) ** (i - j + 1)) * m[j]
        rates.append(rate / theta)
    return rates


def one_step(m, u, size, theta, pieces=400):
    """A step with u held constant, by the classical Runge-Kutta method in many pieces."""
    h = 1 / pieces
    for _ in range(pieces):
        k1 = derivative(m, u, size, theta)
        k2 = derivative([a + h / 2 * k for a, k in zip(m, k1, strict=True)], u, size, theta)
        k3 = derivative([a + h / 2 * k for a, k in zip(m, k2, strict=True)], u, size, theta)
        k4 = derivative([a + h * k for a, k in zip(m, k3, strict=True)], u, size, theta)
        m = [
            a + h / 6 * (p + 2 * q + 2 * r + s)
            for a, p, q, r, s in zip(m, k1, k2, k3, k4, strict=True)
        ]
    return m


@pytest.mark.parametrize("size, theta", [(1, 3.0), (4, 2.5), (5, 10)])
def test_a_step_solves_the_differential_equation(size, theta):
    A, B = delay(size, theta)
    m = torch.linspace(-1, 1, size, dtype=torch.float64) + 0.3
    expected = one_step(m.tolist(), 0.7, size, theta)
    torch.testing.assert_close(A @ m + B * 0.7, torch.tensor(expected, dtype=torch.float64))


def test_the_coefficients_of_one_number_are_a_leaky_average():
    """θ m' = u − m, solved by hand."""
    A, B = delay(1, theta=4)
    assert A.item() == pytest.approx(math.exp(-1 / 4))
    assert B.item() == pytest.approx(1 - math.exp(-1 / 4))


@pytest.mark.parametrize("steps_ago", [1, 5, 13, 19])
def test_the_window_is_read_back_with_legendre_polynomials(steps_ago):
    """Equation 3: the coefficients hold the signal of the last θ steps."""
    theta, size = 20, 12
    A, B = delay(size, theta)

    def signal(t):
        return math.sin(0.3 * t) + 0.5 * math.cos(0.11 * t)

    m = torch.zeros(size, dtype=torch.float64)
    for t in range(200):
        m = A @ m + B * signal(t)
    age = steps_ago + 0.5  # on average: an input is held for a step
    read = Legendre(m.numpy())(2 * age / theta - 1)
    assert read == pytest.approx(signal(199 - steps_ago), abs=0.03)


@pytest.mark.parametrize("size, theta", [(256, 64), (256, 4), (512, 64), (64, 10_000)])
def test_large_systems_are_stable(size, theta):
    A, B = delay(size, theta)
    m, inputs = torch.zeros(size), torch.randn(3000, generator=torch.Generator().manual_seed(0))
    for u in inputs:
        m = A.float() @ m + B.float() * u
    assert m.abs().max() < 20
