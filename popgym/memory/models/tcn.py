"""The temporal convolutional network: residual blocks of dilated causal convolutions.

On level l = 0 … L − 1, with x the input of the level, d = 2ˡ, 0 ≤ k < window, and w ∗ the
causal convolution b + Σₖ Wₖ xₜ₋ₖd, in which inputs before the episode's first step are 0:

    h = drop(ReLU(w₁ ∗ x)),  h' = drop(ReLU(w₂ ∗ h)),  y = ReLU(h' + P x)        W = g v / ‖v‖

where P is the identity, or a linear map if x and h' differ in size, and drop is dropout. The
weights of each unit have the norm g and the direction v (Salimans and Kingma 2016,
https://arxiv.org/abs/1602.07868), with g = 1 at initialisation. Torch's default weights have a norm
of .58, so a signal shrinks in every convolution. With them, a task that needs recall over 60 steps
was not learned in 600 updates; with g = 1 it was learned in 300. The authors' program,
https://github.com/locuslab/TCN, draws weights from N(0, 0.01²), but weight normalisation overwrites
them, so that only the weights of P are that small.

Bai, Kolter and Koltun, "An Empirical Evaluation of Generic Convolutional and Recurrent Networks
for Sequence Modeling" (2018), https://arxiv.org/abs/1803.01271, section 3. An output depends on
exactly 2 (window − 1) (2ᴸ − 1) earlier inputs. The state consists of the inputs of each convolution
that later outputs depend on. As in the paper, dropout removes whole channels. It is off by default,
because with dropout the network that learns is not the network that acts.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from popgym.memory.base import Memory, Source, check_number, check_size
from popgym.memory.ops.causal_conv import CausalConv
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.resets import clear_at_first_step


class TCNState(NamedTuple):
    """State: the inputs of the convolutions that later outputs still depend on."""

    frames: Tensor  # [B, S], the last inputs of all convolutions, concatenated; oldest first


class TCN(Memory):
    """A temporal convolutional network.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        window: Number of taps of each convolution.
        num_levels: Number of residual blocks, L. Each doubles the dilation.
        dropout: Probability that a channel is dropped after a convolution during training.

    Raises:
        ValueError: If a size is less than 1, or if 0 <= dropout < 1 does not hold.
        TypeError: If an option has the wrong type.
    """

    source: ClassVar[Source] = Source(
        "Bai, Kolter and Koltun",
        "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence "
        "Modeling",
        2018,
        "https://arxiv.org/abs/1803.01271",
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
        """1 + 2 (window − 1) (2ᴸ − 1): each convolution adds (window − 1) 2ˡ steps."""
        return 1 + 2 * (self.window - 1) * (2**self.num_levels - 1)

    def initial_state(self, batch_size: int) -> TCNState:
        """Return a state of zeros."""
        size = sum(rows * features for rows, features in self._frames())
        return TCNState(next(self.parameters()).new_zeros(batch_size, size))

    def forward(
        self, x: Tensor, state: TCNState, start: Tensor | None = None
    ) -> tuple[Tensor, TCNState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
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
        """Return the number of inputs that each convolution keeps, and their size."""
        convs = [module for module in self.modules() if isinstance(module, _NormedConv)]
        return [(conv.span, conv.direction.shape[1]) for conv in convs]


class _Block(nn.Module):
    """Two convolutions with the same dilation, and the residual connection around them."""

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
    """A causal convolution whose weights are stored as a direction and a norm for each unit."""

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
    """Return the norm of each unit's weights: [D, F, W] -> [D, 1, 1]."""
    return weight.flatten(1).norm(dim=1).view(-1, 1, 1)
