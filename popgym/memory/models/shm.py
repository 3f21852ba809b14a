"""The stable Hadamard memory: a matrix of fast weights, each place of which is scaled at each step.

    x̂ = LN(x),  v = W_v x̂,  c = W_c x̂,  η = σ(w · x̂)
    k = φ(W_k x̂),  q = φ(W_q x̂),  φ(a) = relu(a) / (10⁻⁵ + Σ relu(a))
    Cₜ = 1 + tanh(θₜ ⊗ c)                         what becomes of each place, between 0 and 2 times
    Mₜ = Mₜ₋₁ ⊙ Cₜ + η v ⊗ k
    yₜ = W_o (Mₜ q + W_s x̂ + b_s) + b

Le, Do, Nguyen, Gupta and Venkatesh, "Stable Hadamard Memory: Revitalizing Memory-Augmented Agents
for Reinforcement Learning" (2024), https://arxiv.org/abs/2410.10132: the update and the calibration
Cₜ are the paper's; the normalisations, φ, the shortcut W_s and the initialisation are those of the
authors' model for POPGym, https://github.com/thaihungle/SHM, which has φ and the shortcut from
POPGym's fast weights. N is 16 there if not chosen, 128 in its example.

θₜ is a row of a learned table. In the paper it is drawn at random at each step, so that successive
calibrations are independent and their product neither vanishes nor explodes, and so it is in the
authors' model for meta-learning; in that for POPGym the number drawn is rounded down to the first
row, always. Here an episode goes through the rows in turn, and begins again after the last: they
begin as independent, and acting and learning see the same row. Nothing but that bounds the product:
it lies near 1 in the mean, not for certain. Their model for meta-learning keeps M within ±100; this
one does not, nor that for POPGym, as only a recurrence linear in M is computed for many steps at
once.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from popgym.memory.base import Memory, check_size
from popgym.memory.ops.blocks import run_blocks
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.matrix_memory import feature_map
from popgym.memory.ops.resets import clear_at_first_step, steps_in_episode
from popgym.memory.ops.scan import diagonal_scan

_BLOCK = 32
"""Steps whose matrices are held at once."""


class SHMState(NamedTuple):
    """The matrix, and whose turn it is."""

    memory: Tensor  # [B, N, N], M, values by keys
    phase: Tensor  # [B, 1], the row of the table for the next step


class SHM(Memory):
    """A stable Hadamard memory.

    Args:
        input_size: F.
        hidden_size: D.
        state_size: N, features of keys and values.
        num_calibrations: rows of the table of θ.

    Raises:
        ValueError: a size is less than 1.
        TypeError: a size is not an integer.
    """

    source: ClassVar[str] = (
        "Le et al., Stable Hadamard Memory: Revitalizing Memory-Augmented Agents for Reinforcement "
        "Learning, 2024, https://arxiv.org/abs/2410.10132"
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
        """Return an empty matrix, and the first row's turn."""
        N, weight = self.state_size, self.theta
        return SHMState(weight.new_zeros(batch_size, N, N), weight.new_zeros(batch_size, 1))

    def forward(
        self, x: Tensor, state: SHMState, start: Tensor | None = None
    ) -> tuple[Tensor, SHMState]:
        """Read x [B, T, F] to [B, T, D]; see :meth:`Memory.forward`."""
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
            # 3 N² numbers a step would have to be kept for gradients otherwise
            read, M = run_blocks(_read_block, (q, k, v, c, theta), M, start, _BLOCK)
        y = self.output(read.to(x.dtype) + self.shortcut(x))
        phase = ((turn[:, -1:] + 1) % self.num_calibrations).to(phase.dtype)
        return y, SHMState(M, phase)


def _read_block(
    q: Tensor, k: Tensor, v: Tensor, c: Tensor, theta: Tensor, memory: Tensor, start: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Write a few steps and read each: [B, S, N] of each but the memory [B, N, N]."""
    # 1 + tanh: on processors that are not Intel's the logistic function takes a sixth of the time
    calibrations = 2 * _outer(2 * theta, c).sigmoid()  # [B, S, N, N]
    memories = diagonal_scan(calibrations, _outer(v, k), memory, start)
    # a copy, so that the others are let go
    return (q.unsqueeze(2) @ memories.mT).squeeze(2), memories[:, -1].clone()


def _outer(a: Tensor, b: Tensor) -> Tensor:
    return a.unsqueeze(-1) * b.unsqueeze(-2)
