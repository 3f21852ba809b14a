"""The stable Hadamard memory: a matrix of fast weights whose entries are rescaled at each step.

    x̂ = LN(x),  v = W_v x̂,  c = W_c x̂,  η = σ(w · x̂)
    k = φ(W_k x̂),  q = φ(W_q x̂),  φ(a) = relu(a) / (10⁻⁵ + Σ relu(a))
    Cₜ = 1 + tanh(θₜ ⊗ c)                         the factor of each entry, between 0 and 2
    Mₜ = Mₜ₋₁ ⊙ Cₜ + η v ⊗ k
    yₜ = W_o (Mₜ q + W_s x̂ + b_s) + b

where M is the memory matrix, q, k and v are query, key and value, η is the write strength, C is the
calibration, θₜ is a row of a learned table, LN is a layer normalisation, σ is the logistic
function, ⊗ is the outer product and ⊙ the elementwise product.

Le, Do, Nguyen, Gupta and Venkatesh, "Stable Hadamard Memory: Revitalizing Memory-Augmented Agents
for Reinforcement Learning" (2024), https://arxiv.org/abs/2410.10132. The update and the calibration
Cₜ are those of the paper. The normalisations, φ, the shortcut W_s and the initialisation are those
of the authors' model for POPGym, https://github.com/thaihungle/SHM, which has φ and the shortcut
from POPGym's fast weight programmer. N is 16 in that model by default, and 128 in its example.

In the paper, and in the authors' model for meta-learning, θₜ is a random row at each step, so that
successive calibrations are independent and their product neither vanishes nor explodes. In the
authors' model for POPGym the random number is rounded down, so the first row is always used. Here
an episode uses the rows one after the other and starts over after the last. The rows are
initialised independently, and acting and learning use the same row at the same step.

This keeps the product of calibrations near 1 on average, but does not bound it. The authors' model
for meta-learning clips M to ±100. This one does not, and neither does theirs for POPGym: only a
recurrence that is linear in M can be computed for many steps at once.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from popgym.memory.base import Memory, Source, check_size
from popgym.memory.ops.blocks import run_blocks
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.matrix_memory import feature_map
from popgym.memory.ops.resets import clear_at_first_step, steps_in_episode
from popgym.memory.ops.scan import diagonal_scan

_BLOCK = 32
"""The number of steps whose matrices are in memory at the same time."""


class SHMState(NamedTuple):
    """State: the memory matrix, and the next row of the table of θ."""

    memory: Tensor  # [B, N, N], M, value × key
    phase: Tensor  # [B, 1], the index of the row for the next step


class SHM(Memory):
    """A stable Hadamard memory.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        state_size: Number of features of keys and values, N.
        num_calibrations: Number of rows of the table of θ.

    Raises:
        ValueError: If a size is less than 1.
        TypeError: If a size is not an integer.
    """

    source: ClassVar[Source] = Source(
        "Le et al.",
        "Stable Hadamard Memory: Revitalizing Memory-Augmented Agents for Reinforcement Learning",
        2024,
        "https://arxiv.org/abs/2410.10132",
    )

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        state_size: int = 32,
        num_calibrations: int = 128,
    ) -> None:
        super().__init__(input_size, hidden_size)
        N = self.state_size = check_size("state_size", state_size)
        self.num_calibrations = check_size("num_calibrations", num_calibrations)
        self.norm = nn.LayerNorm(input_size)
        self.project = Linear(input_size, 4 * N + 1, bias=False)  # q, k, v, c, η
        self.shortcut = Linear(input_size, N)
        self.theta = nn.Parameter(torch.empty(num_calibrations, N))
        nn.init.xavier_uniform_(self.theta)
        self.output = Linear(N, hidden_size)

    def initial_state(self, batch_size: int) -> SHMState:
        """Return a matrix of zeros, and the index of the first row."""
        N, weight = self.state_size, self.theta
        return SHMState(weight.new_zeros(batch_size, N, N), weight.new_zeros(batch_size, 1))

    def forward(
        self, x: Tensor, state: SHMState, start: Tensor | None = None
    ) -> tuple[Tensor, SHMState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        (M, phase), start = clear_at_first_step(state, start)
        x = self.norm(x)
        turn = steps_in_episode(phase.long(), x.shape[1], start) % self.num_calibrations  # [B, T]
        inputs = (
            part.to(M.dtype) for part in self.project(x).split([self.state_size] * 4 + [1], -1)
        )
        with torch.autocast(x.device.type, enabled=False):
            q, k, v, c, eta = inputs
            theta = self.theta.index_select(0, turn.flatten()).view_as(c)
            k, q, v = feature_map(k), feature_map(q), eta.sigmoid() * v
            # blocks save memory: the backward pass of all T steps needs 3 N² numbers a step
            read, M = run_blocks(_read_block, (q, k, v, c, theta), M, start, _BLOCK)
        y = self.output(read.to(x.dtype) + self.shortcut(x))
        phase = ((turn[:, -1:] + 1) % self.num_calibrations).to(phase.dtype)
        return y, SHMState(M, phase)


def _read_block(
    q: Tensor, k: Tensor, v: Tensor, c: Tensor, theta: Tensor, memory: Tensor, start: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Update the memory [B, N, N] over a block of steps; the other inputs are [B, S, N].

    Returns:
        Mₜ qₜ after each step [B, S, N], and the memory after the last.
    """
    # 1 + tanh(a) = 2 σ(2 a), and σ takes a sixth of the time on CPUs other than Intel's
    calibrations = 2 * _outer(2 * theta, c).sigmoid()  # [B, S, N, N]
    memories = diagonal_scan(calibrations, _outer(v, k), memory, start)
    # a copy, so that the matrices of the other steps are freed
    return (q.unsqueeze(2) @ memories.mT).squeeze(2), memories[:, -1].clone()


def _outer(a: Tensor, b: Tensor) -> Tensor:
    return a.unsqueeze(-1) * b.unsqueeze(-2)
