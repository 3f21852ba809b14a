import pytest
import torch

from popgym.memory.ops.chunked import LONGEST
from popgym.memory.ops.delta_rule import read_delta

B, H, K, V = 3, 2, 3, 4


def naive(q, k, v, beta, state, start, log_alpha):
    """The formula, one row, one step and one head at a time."""
    reads, states = [], []
    for b in range(len(q)):
        S, outputs = list(state[b]), []
        for t in range(q.shape[1]):
            for h in range(H):
                if t and start is not None and start[b, t]:
                    S[h] = torch.zeros_like(S[h])
                if log_alpha is not None:
                    S[h] = log_alpha[b, t, h].exp() * S[h]
                error = v[b, t, h] - k[b, t, h] @ S[h]
                S[h] = S[h] + beta[b, t, h] * torch.outer(k[b, t, h], error)
            outputs.append(torch.stack([q[b, t, h] @ S[h] for h in range(H)]))
        reads.append(torch.stack(outputs))
        states.append(torch.stack(S))
    return torch.stack(reads), torch.stack(states)


def _inputs(steps, rate, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    shapes = (B, steps, H, K), (B, steps, H, K), (B, steps, H, V), (B, steps, H), (B, H, K, V)
    q, k, v, beta, state = (torch.randn(s, generator=generator, dtype=dtype) for s in shapes)
    k = torch.nn.functional.normalize(k, dim=-1)
    log_alpha = -torch.rand(B, steps, H, generator=generator, dtype=dtype)
    start = torch.rand(B, steps, generator=generator) < rate
    return [q, k, v, beta.sigmoid(), state], start, log_alpha


def _results(function, tensors, start, log_alpha):
    tensors = [x.clone().requires_grad_() for x in tensors]
    wanted = list(tensors)
    if log_alpha is not None:
        log_alpha = log_alpha.clone().requires_grad_()
        wanted.append(log_alpha)
    read, state = function(*tensors, start, log_alpha)
    weights = torch.arange(1, read.numel() + 1, dtype=read.dtype).sin().view_as(read)
    loss = (read * weights).sum() + state.square().sum()
    return [read, state, *torch.autograd.grad(loss, wanted)]


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 11, LONGEST + 1])
@pytest.mark.parametrize("gated", [False, True])
def test_it_equals_the_formula_gradients_included(gated, steps, rate):
    tensors, start, log_alpha = _inputs(steps, rate)
    arguments = (tensors, start if rate else None, log_alpha if gated else None)
    for a, b in zip(_results(read_delta, *arguments), _results(naive, *arguments), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_writing_fully_under_an_old_key_replaces_its_value():
    """Two unit keys, the first written twice with β = 1: only its last value remains."""
    k = torch.eye(2)[[0, 1, 0]].view(1, 3, 1, 2)
    v = torch.tensor([5.0, 7.0, 3.0]).view(1, 3, 1, 1)
    read, state = read_delta(k, k, v, torch.ones(1, 3, 1), torch.zeros(1, 1, 2, 1))
    assert read.flatten().tolist() == [5, 7, 3]
    assert state.flatten().tolist() == [3, 7]


def test_a_gate_of_zero_forgets_all_that_came_before():
    tensors, _, log_alpha = _inputs(20, 0.0)
    log_alpha[:, 10] = -1e4
    read, state = read_delta(*tensors, None, log_alpha)
    later = [x[:, 10:] for x in tensors[:4]]
    alone = read_delta(*later, torch.zeros(B, H, K, V).double(), None, log_alpha[:, 10:])
    torch.testing.assert_close((read[:, 10:], state), alone)


def test_the_same_key_at_every_step_stays_exact_in_single_precision():
    """Where powers of the system would have summed binomial coefficients of either sign."""
    k = torch.ones(1, 100, 1, 4) / 2
    v = torch.randn(1, 100, 1, 3, generator=torch.Generator().manual_seed(1))
    read, _ = read_delta(k, k, v, torch.ones(1, 100, 1), torch.zeros(1, 1, 4, 3))
    torch.testing.assert_close(read, v, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("steps", [1, 20])
def test_autocast_and_narrow_inputs_are_read_in_the_precision_of_the_state(steps):
    (q, k, v, beta, state), start, log_alpha = _inputs(steps, 0.1, torch.float32)
    want = read_delta(q, k.bfloat16().float(), v, beta, state, start, log_alpha)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = read_delta(q, k.bfloat16(), v, beta, state, start, log_alpha)
    torch.testing.assert_close(got, want)
