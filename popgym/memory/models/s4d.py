"""S4D: a diagonal state space model in each of D channels.

    uₜ = W_u xₜ + b_u,  and in each channel, with its step size Δ and N complex states:
    sₜ = exp(Δ A) sₜ₋₁ + (exp(Δ A) − 1) A⁻¹ B uₜ        yₜ = 2 Re(C · sₜ) + E uₜ
    outₜ = GLU(W GELU(yₜ) + b)

where s is the state of a channel, and A, B and C are complex vectors of N numbers for each channel.

Gu, Gupta, Goel and Ré, "On the Parameterization and Initialization of Diagonal State Space
Models" (2022), https://arxiv.org/abs/2206.11893. This is S4D-Lin: A = −½ + iπn at initialisation,
discretised by a zero-order hold. Of each pair of conjugate states only one is stored. As in POPGym,
N is √D / 2, and B is trained.

All T steps are computed in chunks of C. With a = exp(Δ A), b = (a − 1) A⁻¹ B and s the state before
the chunk, and counting the steps of the chunk from 0,

    yᵢ = 2 Re(C · aⁱ⁺¹ s) + Σⱼ K[i − j] uⱼ,  K[m] = 2 Re(C · aᵐ b), plus E where m = 0
    s' = aᶜ s + Σⱼ aᶜ⁻¹⁻ʲ b uⱼ

Both are products with real matrices. These are computed from the parameters in every call, so that
acting and learning run the same function.
"""

import math
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from popgym.memory.base import Memory, Source, check_number
from popgym.memory.ops.chunked import Chunks, first_and_length
from popgym.memory.ops.resets import clear_at_first_step


class S4DState(NamedTuple):
    """State: the real and imaginary parts of s in each channel."""

    real: Tensor  # [B, D, N]
    imag: Tensor  # [B, D, N]


class _Kernel(NamedTuple):
    """The linear maps of a chunk in each channel."""

    inputs_to_outputs: Tensor  # [D, C, C]
    inputs_to_state: Tensor  # [D, C, 2N], to the state after the chunk
    state_to_outputs: Tensor  # [D, 2N, C], from the state before the chunk
    decay: Tensor  # [D, N], complex, of the state over the chunk


class S4D(Memory):
    """A diagonal state space model in each of D channels.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features and of channels, D. A channel has N = round(√D / 2)
            complex states, at least 1.
        dt_min: Smallest initial step size Δ. Step sizes are drawn log-uniformly.
        dt_max: Largest initial step size. A state remembers about 2 / Δ steps.

    Raises:
        ValueError: If a size is less than 1, or if 0 < dt_min <= dt_max does not hold.
        TypeError: If an option has the wrong type.
    """

    source: ClassVar[Source] = Source(
        "Gu et al.",
        "On the Parameterization and Initialization of Diagonal State Space Models",
        2022,
        "https://arxiv.org/abs/2206.11893",
    )

    def __init__(
        self, input_size: int, hidden_size: int, dt_min: float = 0.001, dt_max: float = 0.1
    ) -> None:
        super().__init__(input_size, hidden_size)
        check_number("dt_min", dt_min)
        check_number("dt_max", dt_max)
        if not 0 < dt_min <= dt_max < math.inf:
            raise ValueError(f"0 < dt_min <= dt_max must hold, got {dt_min} and {dt_max}")
        D, N = hidden_size, max(1, round(math.sqrt(hidden_size) / 2))
        self.input = nn.Linear(input_size, D)
        self.log_dt = nn.Parameter(torch.empty(D).uniform_(math.log(dt_min), math.log(dt_max)))
        # A = −exp(log_decay) + i frequency
        self.log_decay = nn.Parameter(torch.full((D, N), math.log(0.5)))
        self.frequency = nn.Parameter(math.pi * torch.arange(N).float().repeat(D, 1))
        self.B = nn.Parameter(torch.tensor([1.0, 0.0]).repeat(D, N, 1))  # real, imaginary
        self.C = nn.Parameter(torch.randn(D, N, 2) * math.sqrt(0.5))
        self.skip = nn.Parameter(torch.randn(D))  # E
        self.output = nn.Linear(D, 2 * D)

    def initial_state(self, batch_size: int) -> S4DState:
        """Return a state of zeros."""
        size = (batch_size, *self.frequency.shape)
        return S4DState(self.frequency.new_zeros(size), self.frequency.new_zeros(size))

    def forward(
        self, x: Tensor, state: S4DState, start: Tensor | None = None
    ) -> tuple[Tensor, S4DState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        if self.skip.dtype not in (torch.float32, torch.float64):
            raise TypeError(
                f"S4D computes with complex numbers, and torch has none in {self.skip.dtype}: "
                "keep its parameters in float32, and use torch.autocast to compute in less"
            )
        with torch.autocast(x.device.type, enabled=False):  # there is no complex bfloat16
            y, state = self._read(x.to(self.skip.dtype), state, start)  # [D, B, T]
        y = functional.gelu(y.flatten(1)).mT  # [B T, D]
        return functional.glu(self.output(y), -1).unflatten(0, x.shape[:2]), state

    def _read(self, x: Tensor, state: S4DState, start: Tensor | None) -> tuple[Tensor, S4DState]:
        """Return y [D, B, T] for ``x`` [B, T, F], and the state after the last step."""
        steps = x.shape[1]
        if steps == 1:
            return self._read_step(x, clear_at_first_step(state, start)[0])
        first, length = first_and_length(steps, start)
        if not first:
            return self._read_chunks(x, state, start, length)
        starts = (None, None) if start is None else (start[:, :first], start[:, first:])
        y_1, state = self._read_chunks(x[:, :first], state, starts[0], first)
        y_2, state = self._read_chunks(x[:, first:], state, starts[1], length)
        return torch.cat([y_1, y_2], 2), state

    def _read_step(self, x: Tensor, state: S4DState) -> tuple[Tensor, S4DState]:
        """Return y [D, B, 1] for one step ``x`` [B, 1, F], and the state after it."""
        u = self.input(x[:, 0])
        dt_A, b = self._discretize()
        s = dt_A.exp() * torch.complex(*state) + b * u.unsqueeze(-1)  # [B, D, N]
        y = 2 * (torch.view_as_complex(self.C) * s).real.sum(-1) + self.skip * u
        return y.mT.unsqueeze(2), _split(s)

    def _read_chunks(
        self, x: Tensor, state: S4DState, start: Tensor | None, length: int
    ) -> tuple[Tensor, S4DState]:
        """Return y [D, B, n C] for n chunks ``x`` [B, n C, F], and the state after them."""
        rows = x.shape[0]
        state, start = clear_at_first_step(state, start)
        chunks, kernel = Chunks(x, start, length), self._kernel(length)
        u = torch.addmm(self.input.bias.unsqueeze(1), self.input.weight, x.flatten(0, 1).mT)
        u = chunks.spread(u, 1)  # [D, B n C]
        inputs = u.unflatten(1, (-1, length))  # [D, B n, C]
        added = torch.bmm(inputs, kernel.inputs_to_state)  # [D, B n, 2N]
        added = added.unflatten(2, (-1, 2)).unflatten(1, (rows, -1))  # [D, B, n, N, 2]
        added = torch.view_as_complex(added.permute(1, 2, 0, 3, 4).contiguous())
        before, after = chunks.carry(added, torch.complex(*state), kernel.decay)  # [B, n, D, N]
        before = torch.view_as_real(before).flatten(3).flatten(0, 1).transpose(0, 1)
        y = torch.bmm(inputs, kernel.inputs_to_outputs)
        y = y.baddbmm(before, kernel.state_to_outputs).flatten(1)  # [D, B n C]
        return chunks.collect(y, 1).unflatten(1, (rows, -1)), _split(after)

    def _discretize(self) -> tuple[Tensor, Tensor]:
        """Return Δ A and b [D, N], discretised by a zero-order hold."""
        A = torch.complex(-self.log_decay.exp(), self.frequency)
        dt_A = self.log_dt.exp().unsqueeze(1) * A
        return dt_A, (dt_A.exp() - 1) / A * torch.view_as_complex(self.B)

    def _kernel(self, length: int) -> _Kernel:
        dt_A, b = self._discretize()
        c = torch.view_as_complex(self.C)
        steps = torch.arange(length + 1, device=dt_A.device)
        powers = _exp(dt_A.unsqueeze(2) * steps)  # [D, N, C + 1]
        impulse = 2 * ((c * b).unsqueeze(2) * powers[..., :-1]).sum(1).real  # [D, C]
        impulse = impulse + functional.pad(self.skip.unsqueeze(1), (0, length - 1))
        to_outputs = functional.pad(impulse, (length - 1, 0)).unfold(1, length, 1).flip(1)
        to_state = torch.view_as_real(b.unsqueeze(2) * powers[..., :-1].flip(2))  # [D, N, C, 2]
        from_state = 2 * c.unsqueeze(2) * powers[..., 1:]
        return _Kernel(
            to_outputs,
            to_state.transpose(1, 2).flatten(2),
            torch.stack([from_state.real, -from_state.imag], 2).flatten(1, 2),
            powers[..., -1],
        )


def _exp(z: Tensor) -> Tensor:
    """Return ``z.exp()``, several times as fast as torch."""
    return torch.polar(z.real.exp(), z.imag)


def _split(s: Tensor) -> S4DState:
    return S4DState(s.real.contiguous(), s.imag.contiguous())
