"""The gated Transformer-XL: attention to the last steps, with gates.

The gates replace residual connections, and the memory consists of the last inputs of each layer.

    ē = LN(e),  q = W_q ē,  k = W_k ē,  v = W_v ē,  r_δ = W_r R_δ         in each head
    a_tδ ∝ exp((qₜ · kₜ₋δ + qₜ · r_δ + b_k · kₜ₋δ + b_r · r_δ) / √d)        Σ over δ is 1
    y = g₁(e, ReLU(W_o Σ_δ a_tδ vₜ₋δ)),      out = g₂(y, ReLU(V ReLU(U LN(y) + b) + c))
    g(x, y):  r = σ(W_r y + U_r x),  z = σ(W_z y + U_z x − b_g)
              ĥ = tanh(W_h y + U_h (r ⊙ x)),  g = (1 − z) ⊙ x + z ⊙ ĥ

where e are the inputs of a layer, 0 ≤ δ ≤ W = ``window`` is the distance between two steps, d is
the size of a head, R_δ holds sines and cosines of δ, g is the gate, σ is the logistic function and
⊙ is the elementwise product. Steps of earlier episodes are excluded from the sum. The input of the
first layer is a linear map of x.

Parisotto et al., "Stabilizing Transformers for Reinforcement Learning" (2020),
https://arxiv.org/abs/1910.06764, section 3: only the inputs of sublayers are normalised ("identity
map reordering"), and the gates are GRU-like and nearly closed at initialisation (b_g = 2). The
feed-forward network with 2 D hidden units is our choice.

Relative positions and the memory of layer inputs are those of Dai et al., "Transformer-XL" (2019),
https://arxiv.org/abs/1901.02860, section 3.3. Two things differ. First, in the paper a step attends
to its own segment and to what was kept before it, so the distance it can attend to depends on how
the sequence is cut into segments. Here it is always the last W steps, similar to the option
"same_length" of the authors' program, https://github.com/kimiyoung/transformer-xl. Second, the
paper stops the gradient at the kept inputs; here it flows through them. Therefore neither outputs
nor gradients depend on how a sequence is cut.
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
    """State: the inputs of each layer in the last steps of the episode."""

    inputs: Tensor  # [B, num_layers, W, D], oldest first
    held: Tensor  # [B, W], 1 for steps of this episode, 0 before its first step


class GTrXL(Memory):
    """A gated Transformer-XL that attends to the last ``window`` steps in each layer.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        num_layers: Number of layers. Each is attention, then a feed-forward network with one hidden
            layer of 2 D units.
        num_heads: Number of attention heads, each with D / num_heads features, rounded up.
        window: Number of earlier steps that a layer attends to, W, besides the current one.
        gate_bias: Initial b_g. The higher it is, the closer each layer is to the identity.

    Raises:
        ValueError: If a size is less than 1, or if ``gate_bias`` is not finite.
        TypeError: If an option has the wrong type.
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
        """``1 + num_layers * window``, as each layer attends ``window`` steps further back."""
        return 1 + self.num_layers * self.window

    def initial_state(self, batch_size: int) -> GTrXLState:
        """Return a state that holds no steps."""
        weight, W = self.embed.weight, self.window
        return GTrXLState(
            weight.new_zeros(batch_size, self.num_layers, W, self.output_size),
            weight.new_zeros(batch_size, W),
        )

    def forward(
        self, x: Tensor, state: GTrXLState, start: Tensor | None = None
    ) -> tuple[Tensor, GTrXLState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
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
    """Attention and a feed-forward network, each followed by a gate."""

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
    """A GRU-like gate, which decides how much of x is replaced by values computed from y."""

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
