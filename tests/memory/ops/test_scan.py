import pytest
import torch

from popgym.memory.ops.scan import diagonal_scan

B, T = 3, 11


def naive(a, b, h_0, start):
    """The recurrence, one row and one step at a time."""
    rows = []
    for row in range(len(b)):
        h, states = h_0[row], []
        for t in range(b.shape[1]):
            if start is not None and start[row, t]:
                h = torch.zeros_like(h)
            h = (a[row, t] if a.dim() == b.dim() else a) * h + b[row, t]
            states.append(h)
        rows.append(torch.stack(states))
    return torch.stack(rows)


def _inputs(size, per_step, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    shapes = [(B, T, *size) if per_step else size, (B, T, *size), (B, *size)]
    a, b, h_0 = (torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes)
    start = torch.zeros(B, T, dtype=torch.bool)
    start[1, [0, 4, 5]] = True
    start[2, [7, T - 1]] = True
    return a, b, h_0, start


def _results(scan, a, b, h_0, start):
    tensors = [x.clone().requires_grad_() for x in (a, b, h_0)]
    h = scan(*tensors, start)
    weights = torch.arange(1, h.numel() + 1, dtype=torch.float64).sin().view(h.shape)
    loss = (h * (weights + (0.5j if h.is_complex() else 0))).sum()
    return [h, *torch.autograd.grad(loss.real, tensors)]


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("size", [(), (5,), (2, 3)])
def test_it_equals_the_formula_gradients_included(size, per_step, starts):
    a, b, h_0, start = _inputs(size, per_step)
    arguments = (a, b, h_0, start if starts else None)
    torch.testing.assert_close(_results(diagonal_scan, *arguments), _results(naive, *arguments))


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("per_step", [False, True])
def test_complex_numbers_equal_the_formula_gradients_included(per_step, starts):
    a, b, h_0, start = _inputs((4,), per_step, torch.complex128)
    arguments = (a, b, h_0, start if starts else None)
    torch.testing.assert_close(_results(diagonal_scan, *arguments), _results(naive, *arguments))


@pytest.mark.parametrize("per_step", [False, True])
def test_a_gradient_that_is_not_asked_for_costs_the_others_nothing(per_step):
    a, b, h_0, start = _inputs((5,), per_step)
    b.requires_grad_()
    (got,) = torch.autograd.grad(diagonal_scan(a, b, h_0, start).sum(), [b])
    (want,) = torch.autograd.grad(naive(a, b, h_0, start).sum(), [b])
    torch.testing.assert_close(got, want)


def test_the_arguments_are_not_written():
    arguments = _inputs((5,), per_step=True)
    kept = [x.clone() for x in arguments]
    diagonal_scan(*arguments)
    assert all(map(torch.equal, arguments, kept))


def test_the_strides_of_the_inputs_do_not_matter():
    a, b, h_0, start = _inputs((5,), per_step=True)
    turned = (x.transpose(0, 1).contiguous().transpose(0, 1) for x in (a, b))
    assert torch.equal(diagonal_scan(*turned, h_0, start), diagonal_scan(a, b, h_0, start))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_reset_clears_what_is_not_finite(value):
    a, b, h_0, start = _inputs((5,), per_step=False)
    start[:, 3] = True
    clean = diagonal_scan(a, b, h_0, start)
    b[:, :3] = value
    b.requires_grad_()
    h = diagonal_scan(a, b, torch.full_like(h_0, value), start)
    assert torch.equal(h[:, 3:], clean[:, 3:])
    (gradient,) = torch.autograd.grad(h[:, 3:].sum(), [b])
    assert gradient.isfinite().all()
    assert not gradient[:, :3].any()


def test_a_narrow_input_is_read_in_the_precision_of_the_state():
    a, b, h_0, start = (x.float() if x.is_floating_point() else x for x in _inputs((5,), False))
    b = b.bfloat16().requires_grad_()
    h = diagonal_scan(a, b, h_0, start)
    assert h.dtype == torch.float32
    torch.testing.assert_close(h, naive(a, b.float(), h_0, start))
    assert torch.autograd.grad(h.sum(), [b])[0].dtype == torch.bfloat16


def test_what_does_not_fit_is_refused():
    a, b, h_0, _ = _inputs((5,), per_step=False)
    with pytest.raises(ValueError, match=r"h_0 \[3, 5\]; got \[5\] and \[2, 5\]"):
        diagonal_scan(a, b, h_0[:2])
    with pytest.raises(ValueError, match=r"a must be \[5\] or \[3, 11, 5\] .* got \[4\]"):
        diagonal_scan(a[:4], b, h_0)
