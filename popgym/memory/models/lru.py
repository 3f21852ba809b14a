"""The linear recurrent unit: a linear recurrence with complex diagonal weights.

Its eigenvalues are initialised on a ring and stay inside the unit circle during training.

    hₜ = λ ⊙ hₜ₋₁ + γ ⊙ (B xₜ)        yₜ = Re(C hₜ) + D xₜ        λ = exp(−exp(ν) + i exp(θ))

where h is the state, λ are the eigenvalues, ⊙ is the elementwise product, and h, B and C are
complex. λ is initialised uniformly on the ring r_min ≤ |λ| ≤ r_max, 0 ≤ arg λ ≤ max_phase. The
initial γ = √(1 − |λ|²) gives states the same scale as the inputs; ln γ is learned.

Orvieto et al., "Resurrecting Recurrent Neural Networks for Long Sequences" (2023),
https://arxiv.org/abs/2303.06349, section 3 and appendix A, with the initialisation of the appendix
as implemented in https://github.com/NicolasZucchet/minimal-LRU. D is a matrix here, because inputs
and outputs may differ in size. The norm, gate and residual connection that surround the unit in the
paper are not included.
"""

import math
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from popgym.memory.base import Memory, Source, check_number, check_size
from popgym.memory.ops.complex_scan import complex_scan
from popgym.memory.ops.linear import linear
from popgym.memory.ops.resets import clear_at_first_step


class LRUState(NamedTuple):
    """State: the real and imaginary parts of h."""

    real: Tensor  # [B, N]
    imag: Tensor  # [B, N]


class LRU(Memory):
    """A linear recurrent unit.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        state_size: Number of complex states, N. None means half of ``hidden_size``, at least 1.
        r_min: Smallest initial |λ|. The paper has 0 for short sequences and 0.9 for long ones. With
            0, half of the states forget within three steps.
        r_max: Largest initial |λ|. A state remembers about 1 / (1 − |λ|) steps.
        max_phase: Largest initial arg λ, in radians.

    Raises:
        ValueError: If a size is less than 1, or if 0 <= r_min < r_max <= 1 or
            0 < max_phase <= 2π does not hold.
        TypeError: If an option has the wrong type.
    """

    source: ClassVar[Source] = Source(
        "Orvieto et al.",
        "Resurrecting Recurrent Neural Networks for Long Sequences",
        2023,
        "https://arxiv.org/abs/2303.06349",
    )

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        state_size: int | None = None,
        r_min: float = 0.9,
        r_max: float = 1.0,
        max_phase: float = math.tau,
    ) -> None:
        super().__init__(input_size, hidden_size)
        for name, value in (("r_min", r_min), ("r_max", r_max), ("max_phase", max_phase)):
            check_number(name, value)
        if not 0 <= r_min < r_max <= 1:
            raise ValueError(f"0 <= r_min < r_max <= 1 must hold, got {r_min} and {r_max}")
        if not 0 < max_phase <= math.tau:
            raise ValueError(f"max_phase must be above 0 and at most 2π, got {max_phase}")
        N = max(1, hidden_size // 2) if state_size is None else state_size
        self.state_size = check_size("state_size", N)
        u_1, u_2 = torch.rand(2, N).clamp(min=1e-6)  # 0 has no logarithm
        modulus = torch.sqrt(u_1 * (r_max**2 - r_min**2) + r_min**2).clamp(max=1 - 1e-6)
        self.nu = nn.Parameter((-modulus.log()).log())
        self.theta = nn.Parameter((max_phase * u_2).log())
        self.log_gamma = nn.Parameter((1 - modulus**2).log() / 2)
        self.B = nn.Parameter(torch.randn(N, 2, input_size) / math.sqrt(2 * input_size))
        self.C = nn.Parameter(torch.randn(hidden_size, N, 2) / math.sqrt(N))  # Re C, −Im C
        self.D = nn.Parameter(torch.randn(hidden_size, input_size) / math.sqrt(input_size))

    def initial_state(self, batch_size: int) -> LRUState:
        """Return a state of zeros."""
        size = (batch_size, self.state_size)
        return LRUState(self.nu.new_zeros(size), self.nu.new_zeros(size))

    def forward(
        self, x: Tensor, state: LRUState, start: Tensor | None = None
    ) -> tuple[Tensor, LRUState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        state, start = clear_at_first_step(state, start)
        # scale the weights by γ, because they are fewer than the inputs of all steps
        weight = self.log_gamma.exp().view(-1, 1, 1) * self.B
        modulus, phase = (-self.nu.exp()).exp(), self.theta.exp()
        h, last = complex_scan(modulus, phase, linear(x, weight.flatten(0, 1)), state, start)
        return linear(h, self.C.flatten(1)) + linear(x, self.D), LRUState(*last)
