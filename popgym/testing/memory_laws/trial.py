"""Tools that every law needs: a memory with inputs and a state, and comparisons."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from popgym.memory import Memory
from popgym.testing.laws import LawBroken, require

MakeMemory = Callable[[], Memory]

ROWS = 4
STEPS = 45
"""Longer than the chunks in which memories usually compute, and not a multiple of their length."""

UNEVEN_CUTS = (0, 1, 12, 13, 21, 44, STEPS)
SINGLE_STEPS = tuple(range(STEPS + 1))

_TOLERANCE = 1e-8


@dataclass
class Trial:
    """Memory in float64 with inputs, a state that it computed itself, and episode starts."""

    memory: Memory
    x: Tensor  # [B, T, F]
    state: Any
    start: Tensor  # [B, T]

    @property
    def parameters(self) -> list[Tensor]:
        """The trainable parameters."""
        return [p for p in self.memory.parameters() if p.requires_grad]

    def run(
        self,
        cuts: Sequence[int] = (0, STEPS),
        start: Tensor | None = None,
        x: Tensor | None = None,
        state: Any = None,
    ) -> tuple[Tensor, Any]:
        """Compute outputs and the final state, with one call for each piece between two cuts.

        Args:
            cuts: The time steps at which the sequence is cut, first and last step included.
            start: The episode start mask [B, T], or None.
            x: Inputs to use instead of the trial's.
            state: State to use instead of the trial's.
        """
        x = self.x if x is None else x
        state = self.state if state is None else state
        outputs = []
        for begin, end in pairwise(cuts):
            piece = None if start is None else start[:, begin:end]
            y, state = self.memory(x[:, begin:end], state, piece)
            outputs.append(y)
        return torch.cat(outputs, 1), state

    def gradients(
        self, cuts: Sequence[int] = (0, STEPS), start: Tensor | None = None
    ) -> list[Tensor]:
        """Return the gradients of ``loss`` with respect to inputs, state and parameters."""
        x = self.x.clone().requires_grad_()
        state = map_state(lambda s: s.clone().requires_grad_(_differentiable(s)), self.state)
        y, after = self.run(cuts, start, x, state)
        wanted = [x, *filter(_differentiable, state), *self.parameters]
        return gradients_of(loss(y, after), wanted)


def make_trial(make: MakeMemory) -> Trial:
    """Build the memory, and run it for 20 steps to reach a nonzero state."""
    memory = make().double().eval()
    x = torch.randn(ROWS, STEPS, memory.input_size, dtype=torch.float64)
    warm_up = torch.randn_like(x[:, :20])
    with torch.no_grad():
        _, state = memory(warm_up, memory.initial_state(ROWS))
    return Trial(memory, x, map_state(Tensor.clone, state), _starts())


def _starts() -> Tensor:
    """Return an episode start mask [B, T] with a different case in each row.

    Row 0 has no starts, row 1 one at the first step, row 2 two in succession, and row 3 one at the
    last step. Rows 1 to 3 also have random starts.
    """
    start = torch.rand(ROWS, STEPS) < 0.08
    start[0] = False
    start[1, 0] = True
    start[2, 0] = False
    start[2, 20:22] = True
    start[3, -1] = True
    return start


def loss(y: Tensor, state: Iterable[Tensor]) -> Tensor:
    """Return a scalar that depends on every output and every field of the state."""
    weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)
    kept = sum(field.abs().square().sum() for field in state if _differentiable(field))
    return (y * weights).sum() + kept


def gradients_of(value: Tensor, wanted: Sequence[Tensor]) -> list[Tensor]:
    """Return the gradients of ``value``, zero for tensors that it does not depend on."""
    if not value.requires_grad:
        return [torch.zeros_like(tensor) for tensor in wanted]
    found = torch.autograd.grad(value, wanted, allow_unused=True)
    return [
        torch.zeros_like(tensor) if gradient is None else gradient
        for tensor, gradient in zip(wanted, found, strict=True)
    ]


def map_state(function: Callable[[Tensor], Tensor], state: Any) -> Any:
    """Apply ``function`` to every field of a state."""
    return type(state)(*map(function, state))


def fill(state: Any, value: float) -> Any:
    """Return the state with ``value`` in every floating-point or complex field."""
    return map_state(
        lambda s: torch.full_like(s, value) if _differentiable(s) else s.clone(), state
    )


def require_same(
    law: str, got: Sequence[Tensor], want: Sequence[Tensor], message: str, tolerance: float = 1.0
) -> None:
    """Raise ``LawBroken`` unless all tensors agree up to float64 rounding."""
    require(law, len(got) == len(want), message)
    for a, b in zip(got, want, strict=True):
        if a.shape != b.shape:
            raise LawBroken(law, f"{message} (shape {list(a.shape)}, not {list(b.shape)})")
        if not a.numel():
            continue
        scale = max(1.0, float(b.detach().abs().max()))
        difference = float((a.detach() - b.detach()).abs().max())
        # "not ... <= ..." because a difference of NaN must fail
        if not difference <= _TOLERANCE * tolerance * scale:
            raise LawBroken(law, f"{message} (largest difference {difference:.3g})")


def _differentiable(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()
