import importlib

import pytest
import torch
from torch.nn import functional

from popgym.memory import Linear, linear

linear_module = importlib.import_module("popgym.memory.ops.linear")


@pytest.fixture(autouse=True)
def _as_on_any_processor(monkeypatch):
    """Convolutions are tested on Intel's processors too, which take products for few steps."""
    monkeypatch.setattr(linear_module, "is_intel", lambda: False)


def test_intels_processors_take_products_for_few_steps(monkeypatch):
    monkeypatch.setattr(linear_module, "is_intel", lambda: True)
    few, many = torch.zeros(64, 64, 32), torch.zeros(65, 64, 32)
    assert not linear_module._convolves(few) and linear_module._convolves(many)


BATCH, STEPS, F, D = 20, 40, 32, 48
"""Large enough for a convolution."""

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
    x, weight = torch.randn(STEPS, BATCH, F).transpose(0, 1), torch.randn(D, F)
    torch.testing.assert_close(linear(x, weight), functional.linear(x, weight))


def test_the_result_lies_in_memory_as_torchs_does():
    layer = Linear(F, D)
    assert layer(torch.randn(BATCH, STEPS, F)).is_contiguous()


def test_its_parameters_are_those_of_torchs_linear_layer():
    layer = Linear(5, 6)
    layer.load_state_dict(torch.nn.Linear(5, 6).state_dict())
    assert isinstance(layer, torch.nn.Linear)


def test_autocast_gives_bfloat16():
    torch.manual_seed(5)
    layer = Linear(F, D)
    x = torch.randn(BATCH, STEPS, F)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    y.float().sum().backward()
    assert layer.weight.grad.dtype == layer.bias.grad.dtype == torch.float32
    torch.testing.assert_close(y.float(), layer(x), rtol=0.05, atol=0.05)


@pytest.mark.parametrize("frozen", [(), (0,), (1,), (2,), (0, 1)])
def test_a_convolved_layer_gives_those_gradients_that_are_wanted(frozen):
    generator = torch.Generator().manual_seed(2)
    shapes = (BATCH, STEPS, F), (D, F), (D,)
    tensors = [torch.randn(shape, generator=generator) for shape in shapes]
    wanted = [x.requires_grad_() for index, x in enumerate(tensors) if index not in frozen]
    y, want = linear(*tensors), functional.linear(*tensors)
    torch.testing.assert_close(y, want, rtol=1e-4, atol=1e-4)
    got = torch.autograd.grad(y.square().sum(), wanted)
    for a, b in zip(got, torch.autograd.grad(want.square().sum(), wanted), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-2)


def test_a_convolved_layer_gives_the_gradient_of_a_gradient():
    torch.manual_seed(3)
    layer, x = Linear(F, D), torch.randn(BATCH, STEPS, F, requires_grad=True)

    def penalty(y):
        (dx,) = torch.autograd.grad(y.sigmoid().sum(), x, create_graph=True)
        return torch.autograd.grad(dx.square().sum(), [layer.weight, layer.bias])

    want = penalty(functional.linear(x, layer.weight, layer.bias))
    for a, b in zip(penalty(layer(x)), want, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)


def test_a_convolved_layer_can_be_mapped_over_parameters():
    torch.manual_seed(4)
    x, weights, biases = torch.randn(BATCH, STEPS, F), torch.randn(3, D, F), torch.randn(3, D)
    y = torch.vmap(linear, (None, 0, 0))(x, weights, biases)
    for index in range(3):
        torch.testing.assert_close(
            y[index], functional.linear(x, weights[index], biases[index]), rtol=1e-4, atol=1e-4
        )
