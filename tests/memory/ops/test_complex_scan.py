import pytest
import torch

from popgym.memory.ops.complex_scan import complex_scan

B, T, N = 3, 11, 4


def _inputs(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    modulus, phase = torch.rand(2, N, generator=generator, dtype=dtype)
    b = torch.randn(B, T, 2 * N, generator=generator, dtype=dtype)
    real, imag = torch.randn(2, B, N, generator=generator, dtype=dtype)
    start = torch.zeros(B, T, dtype=torch.bool)
    start[1, [0, 4, 5]] = True
    start[2, [7, T - 1]] = True
    return modulus, 6 * phase, b, (real, imag), start


def naive(modulus, phase, b, state, start):
    """Products of real numbers only, one step after the other."""
    (re, im), steps = state, []
    a_re, a_im = modulus * phase.cos(), modulus * phase.sin()
    for t in range(T):
        keep = torch.ones(B, 1, dtype=b.dtype)
        if start is not None:
            keep = (~start[:, t : t + 1]).to(b.dtype)
        re, im = re * keep, im * keep
        re, im = a_re * re - a_im * im + b[:, t, 0::2], a_re * im + a_im * re + b[:, t, 1::2]
        steps.append(torch.stack([re, im], 2).flatten(1))
    return torch.stack(steps, 1), (re, im)


def _results(scan, modulus, phase, b, state, start):
    wanted = [x.clone().requires_grad_() for x in (modulus, phase, b, *state)]
    h, last = scan(*wanted[:3], tuple(wanted[3:]), start)
    weights = torch.arange(1, h.numel() + 1, dtype=h.dtype).sin().view(h.shape)
    loss = (h * weights).sum() + sum(part.square().sum() for part in last)
    return [h, *last, *torch.autograd.grad(loss, wanted)]


@pytest.mark.parametrize("starts", [False, True])
def test_it_equals_products_of_real_numbers_gradients_included(starts):
    *arguments, start = _inputs()
    start = start if starts else None
    got, want = (_results(scan, *arguments, start) for scan in (complex_scan, naive))
    torch.testing.assert_close(got, want)


def test_pairs_with_gaps_between_them_are_read_as_well():
    modulus, phase, b, state, start = _inputs()
    turned = b.mT.contiguous().mT
    h, _ = complex_scan(modulus, phase, turned, state, start)
    assert torch.equal(h, complex_scan(modulus, phase, b, state, start)[0])


@pytest.mark.parametrize("narrow", [torch.bfloat16, torch.float16])
def test_inputs_of_16_bits_are_read_in_the_precision_of_the_state(narrow):
    modulus, phase, b, state, start = _inputs(torch.float32)
    b = b.to(narrow).requires_grad_()
    h, last = complex_scan(modulus, phase, b, state, start)
    assert {part.dtype for part in (h, *last)} == {torch.float32}
    torch.testing.assert_close(h, naive(modulus, phase, b.float(), state, start)[0])
    assert torch.autograd.grad(h.sum(), [b])[0].dtype == narrow


def test_a_state_of_16_bits_keeps_its_dtype():
    modulus, phase, b, (real, imag), start = _inputs(torch.float32)
    narrow = [x.bfloat16() for x in (modulus, phase, b, real, imag)]
    h, last = complex_scan(*narrow[:3], tuple(narrow[3:]), start)
    assert {part.dtype for part in (h, *last)} == {torch.bfloat16}


def test_the_state_shares_no_storage_with_the_steps():
    h, last = complex_scan(*_inputs())
    kept = h.clone()
    for part in last:
        part.zero_()
    assert torch.equal(h, kept)
