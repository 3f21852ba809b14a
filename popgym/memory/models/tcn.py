"""The temporal convolutional network: residual blocks of dilated causal convolutions.

On level l = 0 … L − 1, with x the level's inputs, d = 2ˡ, 0 ≤ k < window, and w ∗ the
causal convolution b + Σₖ Wₖ xₜ₋ₖd, in which inputs before the episode's first step are 0:

    h = drop(ReLU(w₁ ∗ x)),  h' = drop(ReLU(w₂ ∗ h)),  y = ReLU(h' + P x)        W = g v / ‖v‖

where P is the identity, or a linear map where x and h' differ in size; each unit's weights have the
norm g and the direction v (Salimans and Kingma 2016, https://arxiv.org/abs/1602.07868). At first
g = 1. With torch's usual weights, of a norm of .58, little comes through several convolutions: what
is learned in 300 updates, to recall what was shown 60 steps ago, was not in 600. The authors'
program, https://github.com/locuslab/TCN, draws weights from N(0, 0.01²), which are overwritten by
the normalised ones, so that only those of P are as small.

Bai, Kolter and Koltun, "An Empirical Evaluation of Generic Convolutional and Recurrent Networks
for Sequence Modeling" (2018), https://arxiv.org/abs/1803.01271, section 3. The network sees
2 (window − 1) (2ᴸ − 1) steps back, exactly; its state is what its convolutions still see. As
in the paper dropout takes whole channels, but none by default: acting would not be learning.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from popgym.memory.base import Memory, check_number, check_size
from popgym.memory.ops.causal_conv import CausalConv
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.resets import clear_at_first_step


class TCNState(NamedTuple):
    """What the convolutions still see."""

    frames: Tensor  # [B, S], the last inputs of one convolution after the other, oldest first


class TCN(Memory):
    """A temporal convolutional network.

    Args:
        input_size: F.
        hidden_size: D.
        window: taps of each convolution.
        num_levels: L, residual blocks; each doubles the dilation.
        dropout: probability that a channel is dropped after a convolution while training.

    Raises:
        ValueError: a size is less than 1, or not 0 <= dropout < 1.
    """

    source: ClassVar[str] = (
        "Bai, Kolter and Koltun, An Empirical Evaluation of Generic Convolutional and Recurrent "
        "Networks for Sequence Modeling, 2018, https://arxiv.org/abs/1803.01271"
    )

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        window: int = 4,
        num_levels: int = 4,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.window = check_size("window", window)
        self.num_levels = check_size("num_levels", num_levels)
        check_number("dropout", dropout)
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be at least 0 and less than 1, got {dropout}")
        sizes = [input_size] + [hidden_size] * (num_levels - 1)
        self.blocks = nn.ModuleList(
            _Block(size, hidden_size, window, 2**level, dropout) for level, size in enumerate(sizes)
        )

    @property
    def receptive_field(self) -> int:
        """1 + 2 (window − 1) (2ᴸ − 1): every convolution adds to what is seen."""
        return 1 + 2 * (self.window - 1) * (2**self.num_levels - 1)

    def initial_state(self, batch_size: int) -> TCNState:
        """Return frames of zeros."""
        size = sum(rows * features for rows, features in self._frames())
        return TCNState(next(self.parameters()).new_zeros(batch_size, size))

    def forward(
        self, x: Tensor, state: TCNState, start: Tensor | None = None
    ) -> tuple[Tensor, TCNState]:
        """Read x [B, T, F] to [B, T, D]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        (frames,), start = clear_at_first_step(state, start)
        shapes = self._frames()
        before = [
            piece.unflatten(1, shape)
            for piece, shape in zip(
                frames.split([r * f for r, f in shapes], 1), shapes, strict=True
            )
        ]
        y, last = x, []
        for level, block in enumerate(self.blocks):
            y, kept = block(y, before[2 * level : 2 * level + 2], start)
            last += [piece.flatten(1) for piece in kept]
        return y, TCNState(torch.cat(last, 1).to(frames.dtype))

    def _frames(self) -> list[tuple[int, int]]:
        """How many inputs each convolution keeps, and their size."""
        convs = [module for module in self.modules() if isinstance(module, _NormedConv)]
        return [(conv.span, conv.direction.shape[1]) for conv in convs]


class _Block(nn.Module):
    """Two convolutions with the same dilation, and the way around them."""

    def __init__(
        self, input_size: int, hidden_size: int, window: int, dilation: int, dropout: float
    ) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            _NormedConv(size, hidden_size, window, dilation) for size in (input_size, hidden_size)
        )
        same = input_size == hidden_size
        self.around = nn.Identity() if same else Linear(input_size, hidden_size)
        self.dropout = dropout

    def forward(
        self, x: Tensor, before: list[Tensor], start: Tensor | None
    ) -> tuple[Tensor, list[Tensor]]:
        y, last = x, []
        for conv, frames in zip(self.convs, before, strict=True):
            y, kept = conv(y, frames, start)
            y = y.relu_()
            if self.dropout and self.training:
                y = functional.dropout1d(y.mT, self.dropout).mT
            last.append(kept)
        return (y + self.around(x)).relu_(), last


class _NormedConv(nn.Module):
    """A causal convolution whose weights have a direction and a norm for each unit."""

    def __init__(self, input_size: int, hidden_size: int, window: int, dilation: int) -> None:
        super().__init__()
        conv = nn.Conv1d(input_size, hidden_size, window)
        self.direction = conv.weight  # v [D, F, W]
        self.norm = nn.Parameter(torch.ones(hidden_size, 1, 1))  # g
        self.bias = conv.bias
        self.dilation = dilation

    @property
    def span(self) -> int:
        return (self.direction.shape[2] - 1) * self.dilation

    def forward(self, x: Tensor, before: Tensor, start: Tensor | None) -> tuple[Tensor, Tensor]:
        weight = self.direction * (self.norm / _norm(self.direction))
        return CausalConv(weight, self.bias, self.dilation).forward(x, before.to(x.dtype), start)


def _norm(weight: Tensor) -> Tensor:
    """[D, F, W] -> [D, 1, 1]."""
    return weight.flatten(1).norm(dim=1).view(-1, 1, 1)
