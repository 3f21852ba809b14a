import pytest
import torch

from popgym.memory.ops.leaky_scan import leaky_scan

B, T, D = 3, 70, 4


class Cube:
    """z = 1 / (1 + exp(-(a³ + b))), to have a gate of two numbers that is neither memory's."""

    @staticmethod
    def open(a):
        first, second = a.chunk(2, -1)
        return (first**3 + second).sigmoid()

    @staticmethod
    def differentiate(a, dlogit, out):
        first, _ = a.chunk(2, -1)
        torch.cat([dlogit * 3 * first**2, dlogit], -1, out=out)


def naive(inputs, h_0, start):
    rows = []
    for b in range(B):
        h, states = h_0[b], []
        for t in range(inputs.shape[1]):
            if start is not None and start[b, t]:
                h = torch.zeros_like(h)
            first, second, candidate = inputs[b, t].chunk(3)
            z = 1 / (1 + (-(first**3 + second)).exp())
            h = (1 - z) * h + z * candidate
            states.append(h)
        rows.append(torch.stack(states))
    return torch.stack(rows)


def _inputs(steps=T, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(B, steps, 3 * D, generator=generator, dtype=dtype)
    start = torch.rand(B, steps, generator=generator) < 0.1
    start[0] = False
    start[1, 0] = True
    start[2, steps - 1] = True
    return inputs, torch.randn(B, D, generator=generator, dtype=dtype), start


def _results(scan, inputs, h_0, start):
    wanted = [inputs.clone().requires_grad_(), h_0.clone().requires_grad_()]
    h = scan(*wanted, start)
    weights = torch.arange(1, h.numel() + 1, dtype=h.dtype).sin().view(h.shape)
    return [h, *torch.autograd.grad((h * weights).sum(), wanted)]


def read(inputs, h_0, start):
    return leaky_scan(Cube, inputs, h_0, start)


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 31, 32, 33, 64, 70])
def test_it_equals_the_formula_gradients_included(steps, starts):
    inputs, h_0, start = _inputs(steps)
    start = start if starts else None
    got, want = (_results(scan, inputs, h_0, start) for scan in (read, naive))
    torch.testing.assert_close(got, want)


def test_starts_at_the_borders_of_its_blocks_are_seen():
    inputs, h_0, start = _inputs()
    start[:] = False
    start[1, [31, 32]] = True
    start[2, [33, 64]] = True
    got, want = (_results(scan, inputs, h_0, start) for scan in (read, naive))
    torch.testing.assert_close(got, want)


def test_the_arguments_are_not_written():
    arguments = _inputs()
    kept = [x.clone() for x in arguments]
    _results(read, *arguments)
    assert all(map(torch.equal, arguments, kept))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_reset_clears_what_is_not_finite(value):
    inputs, h_0, start = _inputs()
    start[:, 40] = True
    clean = read(inputs, h_0, start)
    inputs[:, :40, 2 * D :] = value
    inputs.requires_grad_()
    h = read(inputs, torch.full_like(h_0, value), start)
    assert torch.equal(h[:, 40:], clean[:, 40:])
    (gradient,) = torch.autograd.grad(h[:, 40:].sum(), [inputs])
    assert gradient[:, 40:].isfinite().all()


def test_narrow_inputs_are_read_in_the_precision_of_the_state():
    inputs, h_0, start = _inputs(dtype=torch.float32)
    inputs = inputs.bfloat16().requires_grad_()
    h = read(inputs, h_0, start)
    assert h.dtype == torch.float32
    torch.testing.assert_close(h, naive(inputs.float(), h_0, start))
    assert torch.autograd.grad(h.sum(), [inputs])[0].dtype == torch.bfloat16
