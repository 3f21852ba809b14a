"""The gated DeltaNet: a memory of key-value associations with the delta rule and decay.

Each step corrects the value stored under its key, and lets all stored values decay.

    q, k, v = SiLU(conv(W x)),  q and k normalised to length 1 in each head
    βₜ = σ(W_β xₜ),  αₜ = exp(−exp(a) softplus(W_α xₜ + b))                        in each head
    Sₜ = αₜ (I − βₜ kₜ kₜᵀ) Sₜ₋₁ + βₜ kₜ vₜᵀ,  oₜ = qₜᵀ Sₜ
    yₜ = W_o (RMSNorm(oₜ) ⊙ SiLU(W_g xₜ))

where q, k and v are queries, keys and values, conv is a causal convolution over time, separate for
each feature, βₜ is the step size of the correction, αₜ is the decay, S is the matrix of stored
values and σ is the logistic function.

Yang, Kautz and Hatamizadeh, "Gated Delta Networks: Improving Mamba2 with Delta Rule" (2024),
https://arxiv.org/abs/2412.06464, equation 10 and figure 1; the paper writes the transpose of S.
The paper models language with heads of 128 and more features. Heads here are smaller, so that the
memory can act in thousands of environments, and values have the size of keys, not twice that size.
Norms and the initial α follow the authors' layer,
https://github.com/fla-org/flash-linear-attention, with one exception: exp(a) is initialised between
1 and 16 instead of 0 and 16, because 0 has no logarithm.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from popgym.memory.base import Memory, Source, check_size
from popgym.memory.ops.causal_conv import CausalConv
from popgym.memory.ops.delta_rule import read_delta
from popgym.memory.ops.linear import Linear
from popgym.memory.ops.resets import clear_at_first_step
from popgym.memory.ops.step_size import initial_step_bias

_EPSILON = 1e-6


class GatedDeltaNetState(NamedTuple):
    """State: the last inputs of the convolution, and the matrix S of each head."""

    frames: Tensor  # [B, W - 1, 3 H K], inputs of the convolution, oldest first
    S: Tensor  # [B, H, K, K]


class GatedDeltaNet(Memory):
    """A gated DeltaNet with one layer.

    Args:
        input_size: Number of input features, F.
        hidden_size: Number of output features, D.
        num_heads: Number of heads, H, each with a matrix S of its own.
        key_size: Number of features of a query, key or value in each head, K.
        window: Number of inputs in the window of the convolution, W.

    Raises:
        ValueError: If a size is less than 1.
    """

    source: ClassVar[Source] = Source(
        "Yang, Kautz and Hatamizadeh",
        "Gated Delta Networks: Improving Mamba2 with Delta Rule",
        2024,
        "https://arxiv.org/abs/2412.06464",
    )

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_heads: int = 4,
        key_size: int = 32,
        window: int = 4,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.num_heads = check_size("num_heads", num_heads)
        self.key_size = check_size("key_size", key_size)
        self.window = check_size("window", window)
        width = num_heads * key_size
        self.qkv = Linear(input_size, 3 * width, bias=False)
        self.conv = nn.Conv1d(3 * width, 3 * width, window, groups=3 * width, bias=False)
        self.rates = Linear(input_size, 2 * num_heads, bias=False)  # β, α
        self.gate = Linear(input_size, width, bias=False)
        self.norm = nn.RMSNorm(key_size, eps=1e-5)
        self.output = Linear(width, hidden_size, bias=False)
        self.log_decay = nn.Parameter(torch.empty(num_heads).uniform_(1, 16).log())
        self.decay_bias = nn.Parameter(initial_step_bias(num_heads))

    def initial_state(self, batch_size: int) -> GatedDeltaNetState:
        """Return a state of zeros."""
        weight, H, K = self.qkv.weight, self.num_heads, self.key_size
        return GatedDeltaNetState(
            weight.new_zeros(batch_size, self.window - 1, 3 * H * K),
            weight.new_zeros(batch_size, H, K, K),
        )

    def forward(
        self, x: Tensor, state: GatedDeltaNetState, start: Tensor | None = None
    ) -> tuple[Tensor, GatedDeltaNetState]:
        """Compute the outputs [B, T, D] for ``x`` [B, T, F]; see :meth:`Memory.forward`."""
        self.check_arguments(x, state, start)
        (frames, S), start = clear_at_first_step(state, start)
        qkv, frames_after = self._convolve(x, frames, start)
        heads = qkv.unflatten(2, (3, self.num_heads, -1))  # [B, T, 3, H, K]
        q, k = _normalize(heads[:, :, :2]).unbind(2)
        beta, log_alpha = self._rates(x, S.dtype)
        read, S = read_delta(q, k, heads[:, :, 2], beta, S, start, log_alpha)
        gate = functional.silu(self.gate(x))
        y = self.output(self.norm(read).flatten(2).to(gate.dtype) * gate)
        return y, GatedDeltaNetState(frames_after, S)

    def _convolve(self, x: Tensor, frames: Tensor, start: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return queries, keys and values [B, T, 3 H K], and the last frames."""
        qkv = self.qkv(x)
        y, last = CausalConv(self.conv.weight, None).forward(qkv, frames.to(qkv.dtype), start)
        return functional.silu(y.to(frames.dtype)), last.to(frames.dtype)

    def _rates(self, x: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Return β and log α [B, T, H]."""
        beta, step = self.rates(x).to(dtype).chunk(2, -1)
        return beta.sigmoid(), -self.log_decay.exp() * functional.softplus(step + self.decay_bias)


def _normalize(x: Tensor) -> Tensor:
    # unlike that of functional.normalize, the gradient near 0 stays moderate
    return x * (x.square().sum(-1, keepdim=True) + _EPSILON).rsqrt()
