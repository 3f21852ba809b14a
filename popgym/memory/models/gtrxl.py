"""The gated Transformer-XL: attention to the last steps, with gates in place of residual paths.

In each layer, with e its inputs, W = ``window`` and 0 ≤ δ ≤ W:

    ē = LN(e),  q = W_q ē,  k = W_k ē,  v = W_v ē,  r_δ = W_r R_δ         in each head
    a_tδ ∝ exp((qₜ · kₜ₋δ + qₜ · r_δ + b_k · kₜ₋δ + b_r · r_δ) / √d)        Σ over δ is 1
    y = g₁(e, ReLU(W_o Σ_δ a_tδ vₜ₋δ)),      out = g₂(y, ReLU(V ReLU(U LN(y) + b) + c))
    g(x, y):  r = σ(W_r y + U_r x),  z = σ(W_z y + U_z x − b_g)
              ĥ = tanh(W_h y + U_h (r ⊙ x)),  g = (1 − z) ⊙ x + z ⊙ ĥ

where R_δ holds sines and cosines of the distance δ, and steps of earlier episodes have no part in
the sum. The first layer reads a linear map of x.

Parisotto et al., "Stabilizing Transformers for Reinforcement Learning" (2020),
https://arxiv.org/abs/1910.06764, section 3: normalised inputs only ("identity map reordering"), and
gates like those of a GRU, nearly closed at first (b_g = 2). The width of the network, 2 D, is ours.
Relative positions, and the inputs of each layer kept from the steps before, are those of Dai et
al., "Transformer-XL" (2019), https://arxiv.org/abs/1901.02860, section 3.3. Two things differ.
There, a step sees what was kept before the segment of the row that it is in, so that how far
depends on the cutting; here it is the last W steps always, much as by "same_length" of the authors'
program, https://github.com/kimiyoung/transformer-xl. And no gradient is stopped at what is kept:
cutting a row changes nothing.
"""

import math
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from popgym.memory.base import Memory, Source, check_number, check_size
from popgym.memory.ops.chunked import LONGEST, chunk_length
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.relative_attention import RelativeAttention
from popgym.memory.ops.resets import clear_at_first_step
from popgym.memory.ops.sliding_window import SlidingWindow


class GTrXLState(NamedTuple):
    """What the layers read in the last steps of the episode."""

    inputs: Tensor  # [B, num_layers, W, D], oldest first
    held: Tensor  # [B, W], 1 for the steps that are held, 0 before the episode's first


class GTrXL(Memory):
    """A gated Transformer-XL whose memory are its layers' inputs in the last steps.

    Args:
        input_size: F.
        hidden_size: D.
        num_layers: blocks of attention and a network of one hidden layer of 2 D.
        num_heads: each has D / num_heads features, rounded up.
        window: W, the steps that a layer sees beside its own.
        gate_bias: b_g at the beginning; the higher, the more of its input a layer leaves as it is.

    Raises:
        ValueError: a size is less than 1, or ``gate_bias`` is not finite.
        TypeError: an option has the wrong type.
    """

    source: ClassVar[Source] = Source(
        "Parisotto et al.",
        "Stabilizing Transformers for Reinforcement Learning",
        2020,
        "https://arxiv.org/abs/1910.06764",
    )

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 2,
        num_heads: int = 4,
        window: int = 64,
        gate_bias: float = 2.0,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.num_layers = check_size("num_layers", num_layers)
        self.window = check_size("window", window)
        check_size("num_heads", num_heads)
        _check_bias(gate_bias)
        self.embed = Linear(input_size, hidden_size)
        self.blocks = nn.ModuleList(
            _Block(hidden_size, num_heads, window, gate_bias) for _ in range(num_layers)
        )

    @property
    def receptive_field(self) -> int:
        """``1 + num_layers * window``: every layer attends that much further back."""
        return 1 + self.num_layers * self.window

    def initial_state(self, batch_size: int) -> GTrXLState:
        """Return no steps."""
        weight, W = self.embed.weight, self.window
        return GTrXLState(
            weight.new_zeros(batch_size, self.num_layers, W, self.output_size),
            weight.new_zeros(batch_size, W),
        )

    def forward(
        self, x: Tensor, state: GTrXLState, start: Tensor | None = None
    ) -> tuple[Tensor, GTrXLState]:
        """Read x [B, T, F] to [B, T, D]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        (inputs, held), start = clear_at_first_step(state, start)
        kept = (held != 0).sum(1, keepdim=True)
        block_length = chunk_length(x.shape[1], start, max(LONGEST, self.window))
        window = SlidingWindow(kept, x.shape[1], start, self.window, block_length)
        e, last = self.embed(x), []
        for block, before in zip(self.blocks, inputs.unbind(1), strict=True):
            e = e.to(inputs.dtype)
            seen = torch.cat([before, e], 1)  # [B, W + T, D]
            last.append(window.keep(seen))
            e = block(seen, e, window)
        return e, GTrXLState(torch.stack(last, 1), window.held.to(held.dtype))


class _Block(nn.Module):
    """Attention and a network at each step, each behind a gate."""

    def __init__(self, size: int, num_heads: int, window: int, gate_bias: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.attention = RelativeAttention(size, num_heads, window)
        self.attention_gate = _Gate(size, gate_bias)
        self.network = nn.Sequential(
            nn.LayerNorm(size), Linear(size, 2 * size), nn.ReLU(), Linear(2 * size, size), nn.ReLU()
        )
        self.network_gate = _Gate(size, gate_bias)

    def forward(self, seen: Tensor, e: Tensor, window: SlidingWindow) -> Tensor:
        y = self.attention_gate(e, self.attention(self.norm(seen), window).relu())
        return self.network_gate(y, self.network(y))


class _Gate(nn.Module):
    """How much of y takes the place of x."""

    def __init__(self, size: int, bias: float) -> None:
        super().__init__()
        self.from_y = Linear(size, 3 * size, bias=False)  # W_r, W_z, W_h
        self.from_x = Linear(size, 2 * size, bias=False)  # U_r, U_z
        self.from_reset = Linear(size, size, bias=False)  # U_h
        self.bias = nn.Parameter(torch.full((size,), float(bias)))  # b_g

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        y_r, y_z, y_h = self.from_y(y).chunk(3, -1)
        x_r, x_z = self.from_x(x).chunk(2, -1)
        r, z = (y_r + x_r).sigmoid(), (y_z + x_z - self.bias).sigmoid()
        h = (y_h + self.from_reset(r * x)).tanh()
        return x + z * (h - x)


def _check_bias(bias: float) -> None:
    if not math.isfinite(check_number("gate_bias", bias)):
        raise ValueError(f"gate_bias must be finite, got {bias}")
