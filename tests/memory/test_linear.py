import pytest
import torch
from torch.nn import functional

from popgym.memory import Linear, linear

SHAPES = [
    (5,),
    (3, 5),
    (4, 64, 5),
    (2, 8, 5),
    (1, 64, 5),
    (4, 7, 5),
    (2, 3, 8, 5),
    (4, 0, 5),
    (40, 128, 5),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_equals_torchs_linear_layer_gradients_included(shape, bias, dtype):
    torch.manual_seed(0)
    x = torch.randn(shape, dtype=dtype, requires_grad=True)
    layer = Linear(5, 6, bias=bias).to(dtype)
    y, want = layer(x), functional.linear(x, layer.weight, layer.bias)
    assert y.shape == want.shape
    torch.testing.assert_close(y, want)
    tensors = [x, *layer.parameters()]
    got = torch.autograd.grad(y.square().sum(), tensors)
    for a, b in zip(got, torch.autograd.grad(want.square().sum(), tensors), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_inputs_that_are_not_contiguous_give_the_same():
    torch.manual_seed(1)
    x, weight = torch.randn(128, 40, 5).transpose(0, 1), torch.randn(6, 5)
    torch.testing.assert_close(linear(x, weight), functional.linear(x, weight))


def test_the_result_lies_in_memory_as_torchs_does():
    layer = Linear(5, 6)
    assert layer(torch.randn(40, 128, 5)).is_contiguous()


def test_its_parameters_are_those_of_torchs_linear_layer():
    layer = Linear(5, 6)
    layer.load_state_dict(torch.nn.Linear(5, 6).state_dict())
    assert isinstance(layer, torch.nn.Linear)


def test_autocast_gives_bfloat16():
    layer = Linear(5, 6)
    x = torch.randn(4, 64, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), layer(x), rtol=0.05, atol=0.05)
