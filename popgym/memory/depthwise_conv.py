"""The convolution over time of each feature by itself, whose gradient is fast on a CPU.

    yₜ = b + Σₖ wₖ ⊙ xₜ₋ₖd        ∂L/∂xₜ = Σₖ wₖ ⊙ ∂L/∂yₜ₊ₖd        ∂L/∂wₖ = Σₜ ∂L/∂yₜ ⊙ xₜ₋ₖd

torch computes y in little more time than it takes to read x, but takes seventy times as long for
the gradients. That of x is such a convolution again, those of the weights are a few sums.
"""

from typing import Any

import torch
from torch import Tensor
from torch.amp import custom_bwd, custom_fwd
from torch.nn import functional

from popgym.memory.first_order import first_order


def depthwise_conv(frames: Tensor, weight: Tensor, bias: Tensor | None, dilation: int) -> Tensor:
    """Convolve on a CPU, in float32 under autocast.

    Args:
        frames: inputs [B, span + T, F], span = (W - 1) · dilation.
        weight: [F, 1, W], the oldest tap first.
        bias: [F] or None.
        dilation: d.

    Returns:
        Outputs [B, T, F].
    """
    return _DepthwiseConv.apply(frames, weight, bias, dilation).squeeze(2).mT


class _DepthwiseConv(torch.autograd.Function):
    """From frames to an image [B, F, 1, T]: what a function returns is no view, if written to."""

    @staticmethod
    @custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(
        ctx: Any, frames: Tensor, weight: Tensor, bias: Tensor | None, dilation: int
    ) -> Tensor:
        ctx.save_for_backward(frames, weight)
        ctx.dilation = dilation
        return _convolve(frames, weight, bias, dilation)

    @staticmethod
    @custom_bwd(device_type="cpu")
    @first_order
    def backward(ctx: Any, d_image: Tensor) -> tuple[Tensor | None, ...]:
        frames, weight = ctx.saved_tensors
        dy = d_image.squeeze(2).mT.contiguous()  # [B, T, F]
        steps = dy.shape[1]
        span = frames.shape[1] - steps
        turned = functional.pad(dy, (0, 0, span, span))
        d_frames = _convolve(turned, weight.flip(2), None, ctx.dilation).squeeze(2).mT
        product, d_taps = torch.empty_like(dy), []
        for begin in range(0, span + 1, ctx.dilation):
            torch.mul(dy, frames[:, begin : begin + steps], out=product)
            d_taps.append(product.sum((0, 1)))
        d_bias = dy.sum((0, 1)) if ctx.needs_input_grad[2] else None
        return d_frames, torch.stack(d_taps, 1).unsqueeze(1), d_bias, None


def _convolve(frames: Tensor, weight: Tensor, bias: Tensor | None, dilation: int) -> Tensor:
    """[B, span + T, F] -> [B, F, 1, T], channels last as it lies in memory."""
    image = frames.mT.unsqueeze(2)
    weight = weight.unsqueeze(2)
    return functional.conv2d(image, weight, bias, dilation=(1, dilation), groups=len(weight))
