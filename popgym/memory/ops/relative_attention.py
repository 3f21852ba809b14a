"""Multi-head attention over the last W steps, by content and by distance.

    s_tδ = (qₜ · kₜ₋δ + qₜ · r_δ + b_k · kₜ₋δ + b_r · r_δ) / √d,  0 ≤ δ ≤ W,  r_δ = W_r R_δ
    oₜ = W_o Σ_δ softmax_δ(s_tδ) vₜ₋δ

Each layer has its own b_k and b_r, which start at zero. In the authors' program,
https://github.com/kimiyoung/transformer-xl, all layers share them, and they start near zero.

Several steps are computed in blocks (see ``sliding_window``). A single step instead maps its query
to the space of the inputs e, because q · W_k e = (W_kᵀ q) · e. The keys and values of the W earlier
steps then do not have to be computed at every step.

Dai et al., "Transformer-XL: Attentive Language Models Beyond a Fixed-Length Context" (2019),
section 3.3, https://arxiv.org/abs/1901.02860.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from popgym.memory.ops.linear import Linear
from popgym.memory.ops.sliding_window import SlidingWindow


class RelativeAttention(nn.Module):
    """Relative multi-head attention.

    Args:
        size: Features D of inputs and outputs.
        num_heads: Number of heads H. Each has d = D / H features, rounded up.
        window: Number of earlier steps W that a step attends to.
    """

    distances: Tensor

    def __init__(self, size: int, num_heads: int, window: int) -> None:
        super().__init__()
        self.heads = (num_heads, -(-size // num_heads))  # H, d
        inner = math.prod(self.heads)
        self.query = Linear(size, inner, bias=False)
        self.key_value = Linear(size, 2 * inner, bias=False)
        self.position = Linear(size, inner, bias=False)
        self.output = Linear(inner, size, bias=False)
        self.content_bias = nn.Parameter(torch.zeros(self.heads))
        self.position_bias = nn.Parameter(torch.zeros(self.heads))
        self.register_buffer("distances", _sinusoids(window, size), persistent=False)

    def forward(self, e: Tensor, window: SlidingWindow) -> Tensor:
        """Compute the attention of the last T steps of e [B, W + T, D]: [B, T, D]."""
        q = self.query(e[:, window.window :]).unflatten(2, self.heads)  # [B, T, H, d]
        r = self.position(self.distances).unflatten(1, self.heads)  # [W + 1, H, d], farthest first
        q = q / math.sqrt(self.heads[1])
        biases = (b / math.sqrt(self.heads[1]) for b in (self.content_bias, self.position_bias))
        q_k, q_r = (q + bias for bias in biases)
        read = self._step if q.shape[1] == 1 else self._blocks
        return self.output(read(e, q_k, q_r, r, window).flatten(2))

    def _blocks(
        self, e: Tensor, q_k: Tensor, q_r: Tensor, r: Tensor, window: SlidingWindow
    ) -> Tensor:
        """Attend in blocks of C queries and W + C keys: [B, T, H, d]."""
        kv = window.windows(self.key_value(e)).unflatten(3, (2, *self.heads))
        k, v = kv.transpose(2, 4).unbind(3)  # [B, n, H, W + C, d]
        q_k, q_r = (window.blocks(q).transpose(2, 3) for q in (q_k, q_r))  # [B, n, H, C, d]
        scores = q_k @ k.mT + _shift(q_r @ r.permute(1, 2, 0))  # [B, n, H, C, W + C]
        weights = _softmax(scores, window.mask.unsqueeze(2))
        return window.join((weights.to(v.dtype) @ v).transpose(2, 3))

    def _step(
        self, e: Tensor, q_k: Tensor, q_r: Tensor, r: Tensor, window: SlidingWindow
    ) -> Tensor:
        """Attend with a single step, without computing keys and values: [B, 1, H, d]."""
        w_k, w_v = self.key_value.weight.unflatten(0, (2, *self.heads))  # [H, d, D]
        q_e = torch.einsum("bhd,hde->bhe", q_k.squeeze(1), w_k)
        scores = q_e @ e.mT + torch.einsum("bhd,whd->bhw", q_r.squeeze(1), r)  # [B, H, W + 1]
        weights = _softmax(scores, window.mask.squeeze(1))
        return torch.einsum("bhe,hde->bhd", weights.to(e.dtype) @ e, w_v).unsqueeze(1)


def _softmax(scores: Tensor, mask: Tensor) -> Tensor:
    # not -inf: in a block's gap all scores are masked, and their softmax would be NaN
    return scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1)


def _shift(x: Tensor) -> Tensor:
    """Shift row i of x [..., C, W + 1] by i places to the right: [..., C, W + C]."""
    length = x.shape[-2]
    columns = x.shape[-1] + length - 1
    flat = functional.pad(x, (0, length)).flatten(-2)
    return flat[..., : length * columns].unflatten(-1, (length, columns))


def _sinusoids(window: int, size: int) -> Tensor:
    """Return the sines and cosines of the distances W, ..., 0: [W + 1, D]."""
    distance = torch.arange(window, -1, -1, dtype=torch.float64).unsqueeze(1)
    angle = distance * 10000 ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
    return torch.cat([angle.sin(), angle.cos()], 1)[:, :size].to(torch.get_default_dtype())
