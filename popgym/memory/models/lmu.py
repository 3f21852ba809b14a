"""The Legendre memory unit: a nonlinear recurrent network with a linear memory of one signal.

The linear memory approximates the last θ steps of the signal with Legendre polynomials.

    uₜ = e_x · xₜ + e_h · hₜ₋₁ + e_m · mₜ₋₁
    mₜ = A mₜ₋₁ + B uₜ
    hₜ = tanh(W_x xₜ + W_h hₜ₋₁ + W_m mₜ)

where uₜ is the signal, mₜ holds its Legendre coefficients, hₜ is the hidden state and the output,
e_x, e_h and e_m are the encoders, W_x, W_h and W_m are weight matrices, and A and B are the
discretised delay system.

Voelker, Kajić and Eliasmith, "Legendre Memory Units: Continuous-Time Representation in Recurrent
Neural Networks" (2019), equations 4, 6 and 7, with the paper's initial weights,
https://proceedings.neurips.cc/paper/2019/hash/952285b9b7e7a1be5aa7849f32ffff05-Abstract.html.
A and B come from ``popgym.memory.ops.legendre.delay`` (zero-order hold). They are constant unless
``learn_a`` or ``learn_b`` is set.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from popgym.memory.base import Memory, Source, check_size
from popgym.memory.ops.eager import eager
from popgym.memory.ops.legendre import check_theta, delay
from popgym.memory.ops.linear import linear
from popgym.memory.ops.lmu_scan import LMUScan
from popgym.memory.ops.resets import clear_at_first_step


class LMUState(NamedTuple):
    """State: the hidden state and the linear memory."""

    hidden: Tensor  # [B, D], h
    memory: Tensor  # [B, M], m, Legendre coefficients of the window


class LMU(Memory):
    """A Legendre memory unit.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        theta: Length of the window in steps, θ; above 0.
        memory_size: Number of Legendre coefficients, M. None means D.
        learn_a: Whether A is trained.
        learn_b: Whether B is trained.

    Raises:
        ValueError: If a size is less than 1, or if ``theta`` is not a finite number above 0.
        TypeError: If an option has the wrong type.
    """

    source: ClassVar[Source] = Source(
        "Voelker, Kajić and Eliasmith",
        "Legendre Memory Units: Continuous-Time Representation in Recurrent Neural Networks",
        2019,
        "https://proceedings.neurips.cc/paper/2019/hash/952285b9b7e7a1be5aa7849f32ffff05-Abstract.html",
    )

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        theta: float = 64,
        memory_size: int | None = None,
        learn_a: bool = False,
        learn_b: bool = False,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.theta = check_theta(theta)
        self.memory_size = (
            hidden_size if memory_size is None else check_size("memory_size", memory_size)
        )
        A, B = (matrix.to(torch.get_default_dtype()) for matrix in delay(self.memory_size, theta))
        self._keep("A", A, "learn_a", learn_a)
        self._keep("B", B, "learn_b", learn_b)
        self.e_x = nn.Parameter(torch.empty(input_size))
        self.e_h = nn.Parameter(torch.empty(hidden_size))
        self.e_m = nn.Parameter(torch.empty(self.memory_size))
        self.W_x = nn.Parameter(torch.empty(hidden_size, input_size))
        self.W_h = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.W_m = nn.Parameter(torch.empty(hidden_size, self.memory_size))
        self.reset_parameters()

    def _keep(self, name: str, matrix: Tensor, option: str, learn: bool) -> None:
        if not isinstance(learn, bool):
            raise TypeError(f"{option} must be a bool, got {learn!r}")
        if learn:
            self.register_parameter(name, nn.Parameter(matrix))
        else:
            self.register_buffer(name, matrix)

    def reset_parameters(self) -> None:
        """Initialise e_x and e_h LeCun uniform, e_m as 0, the weight matrices Xavier normal."""
        for encoder in (self.e_x, self.e_h):
            bound = (3 / len(encoder)) ** 0.5
            nn.init.uniform_(encoder, -bound, bound)
        nn.init.zeros_(self.e_m)
        for kernel in (self.W_x, self.W_h, self.W_m):
            nn.init.xavier_normal_(kernel)

    def initial_state(self, batch_size: int) -> LMUState:
        """Return a state of zeros."""
        return LMUState(
            self.e_h.new_zeros(batch_size, len(self.e_h)),
            self.e_m.new_zeros(batch_size, len(self.e_m)),
        )

    def forward(
        self, x: Tensor, state: LMUState, start: Tensor | None = None
    ) -> tuple[Tensor, LMUState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        state, start = clear_at_first_step(state, start)
        inputs = linear(x, torch.cat([self.W_x, self.e_x.unsqueeze(0)]))  # [B, T, D + 1]
        inputs = inputs.to(self.e_x.dtype).transpose(0, 1)
        weight = torch.cat([self.W_h, self.W_m], 1)
        encoders, matrices = (self.e_h, self.e_m), (self.A, self.B)
        with torch.autocast(x.device.type, enabled=False):
            y, memory = eager(LMUScan.apply)(
                inputs[..., -1], inputs[..., :-1], *state, *encoders, *matrices, weight, start
            )
        return y.transpose(0, 1), LMUState(y[-1].clone(), memory)
