"""What its memories' tests leave out: the depthwise convolution."""

import pytest
import torch

from popgym.memory.ops.causal_conv import CausalConv

B, T, C = 3, 11, 4


def naive(x, before, weight, bias, start):
    """y_t = b + Σ_k w_k ⊙ x_{t-k}, one row, one step and one feature at a time."""
    taps = weight.shape[2]
    rows, kept = [], []
    for b in range(len(x)):
        past, outputs = list(before[b]), []
        for t in range(x.shape[1]):
            if start is not None and start[b, t]:
                past = [torch.zeros(C, dtype=x.dtype)] * (taps - 1)
            window = [*past, x[b, t]]
            y_t = [
                bias[c] + sum(weight[c, 0, k] * window[k][c] for k in range(taps)) for c in range(C)
            ]
            outputs.append(torch.stack(y_t))
            past = window[1:]
        rows.append(torch.stack(outputs))
        kept.append(torch.stack(past) if past else x.new_zeros(0, C))
    return torch.stack(rows), torch.stack(kept)


def _results(function, *tensors):
    tensors = [tensor.clone().requires_grad_() for tensor in tensors]
    y, last = function(*tensors)
    weights = torch.arange(1, y.numel() + 1, dtype=y.dtype).sin().view_as(y)
    loss = (y * weights).sum() + last.square().sum()
    gradients = torch.autograd.grad(loss, tensors, allow_unused=True, materialize_grads=True)
    return [y, last, *gradients]


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("steps", [1, 2, T])
@pytest.mark.parametrize("taps", [1, 2, 4])
def test_one_kernel_a_feature_convolves_each_by_itself(taps, steps, starts):
    generator = torch.Generator().manual_seed(0)
    shapes = (B, steps, C), (B, taps - 1, C), (C, 1, taps), (C,)
    tensors = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    start = None
    if starts and steps > 1:
        start = torch.rand(B, steps, generator=generator) < 0.3
        start[:, 0] = False  # such a start clears what is given as `before`
    got = _results(lambda x, past, w, b: CausalConv(w, b).forward(x, past, start), *tensors)
    want = _results(lambda *arguments: naive(*arguments, start), *tensors)
    torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-10)
