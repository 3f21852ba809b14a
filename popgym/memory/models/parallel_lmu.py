"""The Legendre memory unit without feedback, computed for all steps at once.

    uₜ = W_u xₜ + b_u                              one signal a channel
    mₜ = A mₜ₋₁ + B uₜ                             in each channel
    yₜ = ReLU(W_m mₜ + W_x xₜ + b)

Chilkuri and Eliasmith, "Parallelizing Legendre Memory Unit Training" (2021),
https://proceedings.mlr.press/v139/chilkuri21a.html: what the LMU writes depends on its input alone,
so that its memory is linear and its outputs feed nothing back (equations 18 to 20). Of the paper's
two functions the one on u is the identity here, as in the authors' library,
https://github.com/nengo/keras-lmu, and the one on y the ReLU; weights begin as torch's, there as
Glorot's, and b_u is left out there by default. A and B are those of ``legendre.delay``.

Where the paper convolves whole rows with the impulse response by a fast Fourier transform, steps
are read in chunks of C here, which a state can be carried through: counting steps from 0, with m
the state before the chunk,

    mᵢ = Aⁱ⁺¹ m + Σⱼ Aⁱ⁻ʲ B uⱼ,  0 ≤ j ≤ i < C
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from popgym.memory.base import Memory, Source, check_size
from popgym.memory.ops.chunked import Chunks, first_and_length
from popgym.memory.ops.legendre import check_theta, delay
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.resets import clear_at_first_step


class ParallelLMUState(NamedTuple):
    """What is remembered of each signal."""

    memory: Tensor  # [B, channels, M], m, Legendre coefficients of the window


class ParallelLMU(Memory):
    """A Legendre memory unit without feedback.

    Args:
        input_size: F.
        hidden_size: D.
        theta: length of the window in steps, above 0.
        channels: signals that are remembered.
        state_size: M, the coefficients that describe the window of each.

    Raises:
        ValueError: a size is less than 1, or theta not above 0.
        TypeError: an option has the wrong type.
    """

    source: ClassVar[Source] = Source(
        "Chilkuri and Eliasmith",
        "Parallelizing Legendre Memory Unit Training",
        2021,
        "https://proceedings.mlr.press/v139/chilkuri21a.html",
    )

    A: Tensor
    B: Tensor

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        theta: float = 64,
        channels: int = 16,
        state_size: int = 16,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.theta = check_theta(theta)
        self.channels = check_size("channels", channels)
        self.state_size = check_size("state_size", state_size)
        A, B = (matrix.to(torch.get_default_dtype()) for matrix in delay(state_size, theta))
        self.register_buffer("A", A)
        self.register_buffer("B", B)
        self.signals = Linear(input_size, channels)
        self.output = Linear(channels * state_size + input_size, hidden_size)

    def initial_state(self, batch_size: int) -> ParallelLMUState:
        """Return windows of zeros."""
        size = (batch_size, self.channels, self.state_size)
        return ParallelLMUState(self.output.weight.new_zeros(size))

    def forward(
        self, x: Tensor, state: ParallelLMUState, start: Tensor | None = None
    ) -> tuple[Tensor, ParallelLMUState]:
        """Read x [B, T, F] to [B, T, D]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        u = self.signals(x).to(state.memory.dtype)
        with torch.autocast(x.device.type, enabled=False):
            m, state = self._read(u, state, start)
        return self.output(torch.cat([m.to(x.dtype), x], 2)).relu(), state

    def _read(
        self, u: Tensor, state: ParallelLMUState, start: Tensor | None
    ) -> tuple[Tensor, ParallelLMUState]:
        """Return m of all channels after each step [B, T, channels M], and the state then."""
        steps = u.shape[1]
        if steps == 1:
            return self._read_step(u, clear_at_first_step(state, start)[0].memory)
        first, length = first_and_length(steps, start)
        if not first:
            return self._read_chunks(u, state, start, length)
        starts = (None, None) if start is None else (start[:, :first], start[:, first:])
        m_1, state = self._read_chunks(u[:, :first], state, starts[0], first)
        m_2, state = self._read_chunks(u[:, first:], state, starts[1], length)
        return torch.cat([m_1, m_2], 1), state

    def _read_step(self, u: Tensor, m: Tensor) -> tuple[Tensor, ParallelLMUState]:
        m = m @ self.A.mT + u.mT * self.B  # [B, channels, M]
        return m.flatten(1).unsqueeze(1), ParallelLMUState(m)

    def _read_chunks(
        self, u: Tensor, state: ParallelLMUState, start: Tensor | None, length: int
    ) -> tuple[Tensor, ParallelLMUState]:
        """Whole chunks."""
        (m_0,), start = clear_at_first_step(state, start)
        chunks = Chunks(u, start, length)
        from_inputs, from_state = self._maps(length)
        m = chunks.split(u).mT @ from_inputs  # [B, n, channels, C M]
        to_last = from_state[:, -self.state_size :]
        before, last = chunks.carry_through(
            lambda state, added: added + state @ to_last, m_0, m[..., -self.state_size :]
        )
        m = (m + before @ from_state).unflatten(3, (length, -1))
        return chunks.join(m.transpose(2, 3).flatten(3)), ParallelLMUState(last)

    def _maps(self, length: int) -> tuple[Tensor, Tensor]:
        """From a chunk's inputs, and from the state before it, to m after each of its steps.

        Returns:
            [C, C M] and [M, C M].
        """
        powers = [torch.eye(self.state_size).to(self.A)]
        for _ in range(length):
            powers.append(self.A @ powers[-1])
        impulse = torch.stack(powers[:-1]) @ self.B  # [C, M]
        shifted = functional.pad(impulse, (0, 0, length - 1, 0)).unfold(0, length, 1).flip(0)
        from_state = torch.cat([power.mT for power in powers[1:]], 1)
        return shifted.mT.reshape(length, -1), from_state
