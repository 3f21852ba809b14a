"""The parallel Legendre memory unit: an LMU without feedback, computed for all steps at once.

    uₜ = W_u xₜ + b_u                              one signal for each channel
    mₜ = A mₜ₋₁ + B uₜ                             in each channel
    yₜ = ReLU(W_m mₜ + W_x xₜ + b)

where u are the signals, m holds the Legendre coefficients of their last θ steps, and A and B are
the discretised delay system.

Chilkuri and Eliasmith, "Parallelizing Legendre Memory Unit Training" (2021), equations 18 to 20,
https://proceedings.mlr.press/v139/chilkuri21a.html. The signals depend only on the input, not on
earlier states or outputs, so the recurrence is linear. The paper has an activation function on u
and one on y. The first is the identity here, as in the authors' library,
https://github.com/nengo/keras-lmu; the second is the ReLU. That library initialises weights by
Glorot's rule and has no b_u by default; here weights have torch's default initialisation. A and B
come from ``popgym.memory.ops.legendre.delay``.

The paper convolves whole sequences with the impulse response by a fast Fourier transform. Here
steps are computed in chunks of C, so that a state can be passed from one call to the next. Counting
steps from 0, with m the state before the chunk,

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
    """State: the Legendre coefficients of each signal."""

    memory: Tensor  # [B, channels, M], m


class ParallelLMU(Memory):
    """A Legendre memory unit without feedback.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        theta: Length of the window in steps, θ; above 0.
        channels: Number of signals.
        state_size: Number of Legendre coefficients of each signal, M.

    Raises:
        ValueError: If a size is less than 1, or if ``theta`` is not a finite number above 0.
        TypeError: If an option has the wrong type.
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
        """Return a state of zeros."""
        size = (batch_size, self.channels, self.state_size)
        return ParallelLMUState(self.output.weight.new_zeros(size))

    def forward(
        self, x: Tensor, state: ParallelLMUState, start: Tensor | None = None
    ) -> tuple[Tensor, ParallelLMUState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        u = self.signals(x).to(state.memory.dtype)
        with torch.autocast(x.device.type, enabled=False):
            m, state = self._read(u, state, start)
        return self.output(torch.cat([m.to(x.dtype), x], 2)).relu(), state

    def _read(
        self, u: Tensor, state: ParallelLMUState, start: Tensor | None
    ) -> tuple[Tensor, ParallelLMUState]:
        """Return m after each step [B, T, channels M], and the state after the last."""
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
        """Compute the same as ``_read`` for a number of steps that is a multiple of ``length``."""
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
        """Return the linear maps from a chunk's signals and from the state before it to m.

        Returns:
            The maps [C, C M] and [M, C M] to m after each step of the chunk.
        """
        powers = [torch.eye(self.state_size).to(self.A)]
        for _ in range(length):
            powers.append(self.A @ powers[-1])
        impulse = torch.stack(powers[:-1]) @ self.B  # [C, M]
        shifted = functional.pad(impulse, (0, 0, length - 1, 0)).unfold(0, length, 1).flip(0)
        from_state = torch.cat([power.mT for power in powers[1:]], 1)
        return shifted.mT.reshape(length, -1), from_state
