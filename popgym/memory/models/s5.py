"""S5: a diagonal state space model with all inputs and outputs in one system, and a gate.

    sₜ = exp(Δ Λ) ⊙ sₜ₋₁ + Λ⁻¹ (exp(Δ Λ) − 1) ⊙ (B xₜ)        uₜ = GELU(2 Re(C sₜ) + D xₜ)
    yₜ = uₜ ⊙ σ(W uₜ + b)

where s is the state, Λ holds its eigenvalues, Δ is a step size for each state, s, Λ, B and C are
complex, σ is the logistic function and ⊙ is the elementwise product. Of each pair of conjugate
states only one is stored. Λ is initialised with the eigenvalues of HiPPO-N, in ``blocks`` equal
blocks, and B and C are initialised as real matrices, written in the basis of its eigenvectors.

Smith, Warrington and Linderman, "Simplified State Space Layers for Sequence Modeling" (2023),
https://arxiv.org/abs/2208.04933, section 3 and appendix B, with the zero-order hold. The last line
is the activation of the paper's experiments, "half_glu1" in the authors' program,
https://github.com/lindermanlab/S5.

Three things differ. D is a matrix, because inputs and outputs may differ in size. Re Λ = −exp(·),
so that the system stays stable during training. B and C are initialised with variances 1 / F and
1 / 2N, so that B x and C s have the scales of x and s; in the authors' program B has variance
1 / 2N too, and C is complex.
"""

import math
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from popgym.memory.base import Memory, Source, check_number, check_size
from popgym.memory.ops.complex_scan import complex_scan
from popgym.memory.ops.hippo import hippo_eigenvectors
from popgym.memory.ops.linear import Linear, linear
from popgym.memory.ops.resets import clear_at_first_step


class S5State(NamedTuple):
    """State: the real and imaginary parts of s."""

    real: Tensor  # [B, N]
    imag: Tensor  # [B, N]


class S5(Memory):
    """An S5 layer.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        state_size: Number of complex states, N; a multiple of ``blocks``. None means the multiple
            nearest to half of ``hidden_size``.
        blocks: Number of HiPPO blocks at initialisation.
        dt_min: Smallest initial step size Δ. Step sizes are drawn log-uniformly.
        dt_max: Largest initial step size. A state remembers about 2 / Δ steps.

    Raises:
        ValueError: If a size is less than 1, if ``state_size`` is not a multiple of ``blocks``, or
            if 0 < dt_min <= dt_max does not hold.
        TypeError: If an option has the wrong type.
    """

    source: ClassVar[Source] = Source(
        "Smith, Warrington and Linderman",
        "Simplified State Space Layers for Sequence Modeling",
        2023,
        "https://arxiv.org/abs/2208.04933",
    )

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        state_size: int | None = None,
        blocks: int = 8,
        dt_min: float = 0.001,
        dt_max: float = 0.1,
    ) -> None:
        super().__init__(input_size, hidden_size)
        check_size("blocks", blocks)
        nearest = blocks * max(1, round(hidden_size / (2 * blocks)))
        N = check_size("state_size", nearest if state_size is None else state_size)
        if N % blocks:
            raise ValueError(f"state_size must be a multiple of blocks = {blocks}, got {N}")
        check_number("dt_min", dt_min)
        check_number("dt_max", dt_max)
        if not 0 < dt_min <= dt_max < math.inf:
            raise ValueError(f"0 < dt_min <= dt_max must hold, got {dt_min} and {dt_max}")
        self.state_size = N
        self.log_dt = nn.Parameter(torch.empty(N).uniform_(math.log(dt_min), math.log(dt_max)))
        self.log_decay = nn.Parameter(torch.empty(N))  # Λ = −exp(log_decay) + i frequency
        self.frequency = nn.Parameter(torch.empty(N))
        self.B = nn.Parameter(torch.empty(N, 2, input_size))  # real, imaginary
        self.C = nn.Parameter(torch.empty(hidden_size, N, 2))  # Re C, −Im C
        self.D = nn.Parameter(torch.randn(hidden_size, input_size) / math.sqrt(input_size))
        self.gate = Linear(hidden_size, hidden_size)
        self._begin_with_hippo(blocks)

    @torch.no_grad()
    def _begin_with_hippo(self, blocks: int) -> None:
        size = 2 * self.state_size // blocks
        eigenvalues, vectors = hippo_eigenvectors(size)
        self.log_decay.copy_((-eigenvalues.real).log().repeat(blocks))
        self.frequency.copy_(eigenvalues.imag.repeat(blocks))
        F, D = self.input_size, self.output_size
        B = torch.randn(blocks, size, F, dtype=torch.float64) / math.sqrt(F)
        C = torch.randn(D, blocks, size, dtype=torch.float64) / math.sqrt(2 * self.state_size)
        B_own = vectors.mH @ B.to(vectors.dtype)  # [blocks, size / 2, F]
        C_own = C.to(vectors.dtype) @ vectors  # [D, blocks, size / 2]
        self.B.copy_(torch.view_as_real(B_own.flatten(0, 1)).mT)
        self.C.copy_(torch.view_as_real(C_own.flatten(1).conj().resolve_conj()))

    def initial_state(self, batch_size: int) -> S5State:
        """Return a state of zeros."""
        size = (batch_size, self.state_size)
        return S5State(self.log_dt.new_zeros(size), self.log_dt.new_zeros(size))

    def forward(
        self, x: Tensor, state: S5State, start: Tensor | None = None
    ) -> tuple[Tensor, S5State]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        state, start = clear_at_first_step(state, start)
        modulus, phase, weight = self._discretize()
        s, last = complex_scan(modulus, phase, linear(x, weight), state, start)
        u = functional.gelu(linear(s, 2 * self.C.flatten(1)) + linear(x, self.D))
        return u * self.gate(u).sigmoid(), S5State(*last)

    def _discretize(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the modulus and phase of exp(ΔΛ) [N], and Λ⁻¹ (exp(ΔΛ) − 1) B [2N, F].

        The rows of the last are real and imaginary parts in turn.
        """
        dt, re, im = self.log_dt.exp(), -self.log_decay.exp(), self.frequency
        modulus, phase = (dt * re).exp(), dt * im
        # exp(z) − 1, without cancellation where z is small
        e_re = torch.expm1(dt * re) - 2 * modulus * torch.sin(phase / 2) ** 2
        e_im = modulus * torch.sin(phase)
        size = re**2 + im**2
        g_re, g_im = (e_re * re + e_im * im) / size, (e_im * re - e_re * im) / size
        factor = torch.stack([g_re, -g_im, g_im, g_re], 1).view(-1, 2, 2)  # g_re + i g_im
        return modulus, phase, (factor @ self.B).flatten(0, 1)
