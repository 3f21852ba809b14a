import pytest
import torch

from popgym.memory.ops.chunked import LONGEST
from popgym.memory.ops.exponential_gates import read_gated

B, H, K, V = 3, 2, 3, 4


def naive(q, k, v, i, f, C, n, m, start):  # noqa: N803
    """The formula with its stabiliser, one row, one step and one head at a time."""
    reads, states = [], []
    for b in range(len(q)):
        kept, outputs = [list(field[b]) for field in (C, n, m)], []
        for t in range(q.shape[1]):
            if t and start is not None and start[b, t]:
                kept = [[torch.zeros_like(x) for x in field] for field in kept]
            for h in range(H):
                C_h, n_h, m_h = (field[h] for field in kept)
                m_t = torch.maximum(f[b, t, h] + m_h, i[b, t, h])
                fade, add = torch.exp(f[b, t, h] + m_h - m_t), torch.exp(i[b, t, h] - m_t)
                kept[0][h] = fade * C_h + add * torch.outer(k[b, t, h], v[b, t, h])
                kept[1][h] = fade * n_h + add * k[b, t, h]
                kept[2][h] = m_t
                one = torch.exp(-m_t)
                norm = torch.maximum((q[b, t, h] @ kept[1][h]).abs(), one)
                outputs.append(q[b, t, h] @ kept[0][h] / norm)
        reads.append(torch.stack(outputs).unflatten(0, (-1, H)))
        states.append([torch.stack(field) for field in kept])
    return torch.stack(reads), tuple(map(torch.stack, zip(*states, strict=True)))


def _inputs(steps, rate, dtype=torch.float64, scale=1.0):
    generator = torch.Generator().manual_seed(0)
    shapes = [(B, steps, H, size) for size in (K, K, V)] + [(B, steps, H)] * 2
    shapes += [(B, H, K, V), (B, H, K), (B, H)]
    tensors = [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]
    tensors[3] *= scale
    tensors[4] = torch.nn.functional.logsigmoid(scale * tensors[4])
    return tensors, torch.rand(B, steps, generator=generator) < rate


def _read(q, k, v, i, f, C, n, m, start):  # noqa: N803
    return read_gated(q, k, v, i, f, (C, n, m), start)


def _results(function, tensors, start):
    tensors = [x.clone().requires_grad_() for x in tensors]
    read, state = function(*tensors, start)
    weights = torch.arange(1, read.numel() + 1, dtype=read.dtype).sin().view_as(read)
    loss = (read * weights).sum() + sum(field.square().sum() for field in state)
    return [read, *state, *torch.autograd.grad(loss, tensors)]


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 11, LONGEST + 1])
@pytest.mark.parametrize("scale", [1, 20])
def test_it_equals_the_formula_gradients_included(scale, steps, rate):
    tensors, start = _inputs(steps, rate, scale=scale)
    start = start if rate else None
    for a, b in zip(_results(_read, tensors, start), _results(naive, tensors, start), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def test_it_is_the_plain_formula_whatever_the_stabiliser():
    """Without division by exp(m): C and n as they are, and 1 in the denominator."""
    (q, k, v, i, f, *_), _ = _inputs(20, 0.0)
    state = tuple(torch.zeros(B, H, *size).double() for size in [(K, V), (K,), ()])
    read, (C_m, _, m) = read_gated(q, k, v, i, f, state)
    C, n = state[:2]
    for t in range(20):
        fade, add = f[:, t].exp(), i[:, t].exp()
        C = fade[..., None, None] * C + torch.einsum("bh,bhk,bhv->bhkv", add, k[:, t], v[:, t])
        n = fade[..., None] * n + add[..., None] * k[:, t]
        norm = torch.einsum("bhk,bhk->bh", q[:, t], n).abs().clamp(min=1)
        want = torch.einsum("bhk,bhkv->bhv", q[:, t], C) / norm[..., None]
        torch.testing.assert_close(read[:, t], want)
    torch.testing.assert_close(C_m * m.exp()[..., None, None], C)


@pytest.mark.parametrize("gate", [-1e4, 1e4])
def test_gates_beyond_all_exponentials_give_finite_numbers_and_gradients(gate):
    tensors, start = _inputs(40, 0.1, torch.float32)
    tensors[3] += gate
    for result in _results(_read, tensors, start):
        # the square of m itself, and its gradient, are large
        assert result.isfinite().all()


def test_a_query_of_zero_reads_zero_whatever_the_gates():
    (q, k, v, i, f, *state), _ = _inputs(40, 0.0, torch.float32)
    read, _ = read_gated(torch.zeros_like(q), k, v, i + 1000, f, tuple(state))
    assert not read.any()


@pytest.mark.parametrize("steps", [1, 20])
def test_autocast_and_narrow_inputs_are_read_in_the_precision_of_the_state(steps):
    (q, k, *others), start = _inputs(steps, 0.1, torch.float32)
    want = _read(q, k.bfloat16().float(), *others, start)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = _read(q, k.bfloat16(), *others, start)
    torch.testing.assert_close(got, want)
