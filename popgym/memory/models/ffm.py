"""Fast and forgetful memory: sums of past inputs that decay and rotate at learned rates.

Each of m traces decays at a rate of its own, and c contexts record when the inputs arrived.

    vₜ = (W₁ xₜ + b₁) ⊙ σ(W₂ xₜ + b₂)                          [m]
    Sₜ = γ ⊙ Sₜ₋₁ + vₜ 1ᵀ,  γⱼₖ = exp(−|αⱼ|) exp(−i ωₖ)        [m, c], complex
    zₜ = W₃ (Re Sₜ, Im Sₜ) + b₃,  g = σ(W₄ xₜ + b₄)
    yₜ = g ⊙ LN(zₜ) + (1 − g) ⊙ (W₅ xₜ + b₅)

where m = ``state_size``, c = ``context_size``, σ is the logistic function, ⊙ is the elementwise
product and LN is a layer norm without parameters. The rate αⱼ sets how long trace j is remembered.
Context k has the period 2π / ωₖ; within it, its phase tells when something happened.

Morad, Kortvelesy, Liwicki and Prorok, "Reinforcement Learning with Fast and Forgetful Memory"
(2023), https://arxiv.org/abs/2310.04128. Layers and initialisation follow the authors' program,
https://github.com/proroklab/ffm. That program computes up to 1,024 steps at once from powers of
γ⁻¹ in float64, and bounds α so that they do not overflow. The recurrence here computes the same
function without such powers, so α is not bounded after initialisation.
"""

import math
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from popgym.memory.base import Memory, Source, check_size
from popgym.memory.ops.complex_scan import complex_scan
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.resets import clear_at_first_step

_FASTEST = math.log(torch.finfo(torch.float64).max) / 1024 - 0.02
"""Largest initial α: the bound of the authors' program, beyond which powers of γ⁻¹ overflow."""


class FFMState(NamedTuple):
    """State: the matrix S, [m, c], flattened to one axis."""

    real: Tensor  # [B, m c]
    imag: Tensor  # [B, m c]


class FFM(Memory):
    """A fast and forgetful memory.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        state_size: Number of traces, m.
        context_size: Number of contexts, c.
        max_period: Longest initial period of a context, in steps. After this many steps the trace
            with the slowest initial decay has decayed to 1/100.

    Raises:
        ValueError: If a size is less than 1.
    """

    source: ClassVar[Source] = Source(
        "Morad et al.",
        "Reinforcement Learning with Fast and Forgetful Memory",
        2023,
        "https://arxiv.org/abs/2310.04128",
    )

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        state_size: int = 32,
        context_size: int = 4,
        max_period: int = 1024,
    ) -> None:
        super().__init__(input_size, hidden_size)
        m, c = check_size("state_size", state_size), check_size("context_size", context_size)
        check_size("max_period", max_period)
        self.state_size, self.context_size = m, c
        slowest = math.log(100) / max_period
        self.alpha = nn.Parameter(torch.linspace(slowest, max(slowest, _FASTEST), m))
        self.omega = nn.Parameter(math.tau / torch.linspace(1, max_period, c))
        self.inputs = Linear(input_size, 2 * m + 2 * hidden_size)  # W₁, W₂, W₄, W₅
        self.mix = Linear(2 * m * c, hidden_size)  # W₃

    def initial_state(self, batch_size: int) -> FFMState:
        """Return a state of zeros."""
        size = (batch_size, self.state_size * self.context_size)
        return FFMState(self.alpha.new_zeros(size), self.alpha.new_zeros(size))

    def forward(
        self, x: Tensor, state: FFMState, start: Tensor | None = None
    ) -> tuple[Tensor, FFMState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        state, start = clear_at_first_step(state, start)
        m, c, D = self.state_size, self.context_size, self.output_size
        trace, trace_gate, gate, around = self.inputs(x).split([m, m, D, D], -1)
        v = trace * trace_gate.sigmoid()
        pairs = functional.pad(v.unsqueeze(-1), (0, 1)).repeat_interleave(c, 2)  # [B, T, m c, 2]
        modulus = (-self.alpha.abs()).exp().repeat_interleave(c)
        s, last = complex_scan(modulus, -self.omega.repeat(m), pairs.flatten(2), state, start)
        z = functional.layer_norm(self.mix(s), [D]).to(around.dtype)
        return torch.lerp(around, z, gate.sigmoid()), FFMState(*last)
