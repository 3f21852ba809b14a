import pytest
import torch

from popgym.memory.ops.chunked import LONGEST
from popgym.memory.ops.matrix_memory import AGGREGATORS, check_aggregator

B, K, V = 3, 3, 2
PUT = {"sum": torch.add, "max": torch.maximum}


def naive(aggregator, q, k, v, state, start):
    """The two formulas, one row and one step at a time."""
    reads, states = [], []
    for b in range(len(q)):
        s, read = state[b], []
        for t in range(q.shape[1]):
            if t and start is not None and start[b, t]:
                s = torch.zeros_like(s)
            s = PUT[aggregator](s, torch.outer(k[b, t], v[b, t]))
            read.append(q[b, t] @ s)
        reads.append(torch.stack(read))
        states.append(s)
    return torch.stack(reads), torch.stack(states)


def _inputs(steps, rate, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    shapes = (B, steps, K), (B, steps, K), (B, steps, V), (B, K, V)
    tensors = [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]
    return tensors, torch.rand(B, steps, generator=generator) < rate


def _results(function, tensors, start):
    tensors = [x.clone().requires_grad_() for x in tensors]
    read, state = function(*tensors, start)
    weights = torch.arange(1, read.numel() + 1, dtype=read.dtype).sin().view_as(read)
    loss = (read * weights).sum() + state.square().sum()
    return [read, state, *torch.autograd.grad(loss, tensors)]


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 11, LONGEST + 1, 3 * LONGEST])
@pytest.mark.parametrize("aggregator", AGGREGATORS)
def test_it_equals_the_formula_gradients_included(aggregator, steps, rate):
    tensors, start = _inputs(steps, rate)
    start = start if rate else None
    got = _results(AGGREGATORS[aggregator], tensors, start)
    want = _results(lambda *arguments: naive(aggregator, *arguments), tensors, start)
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("aggregator", AGGREGATORS)
def test_a_long_row_in_single_precision_loses_nothing(aggregator):
    tensors, start = _inputs(2000, 0.001, torch.float32)
    read, _ = AGGREGATORS[aggregator](*tensors, start)
    exact, _ = AGGREGATORS[aggregator](*(x.double() for x in tensors), start)
    torch.testing.assert_close(read.double(), exact, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("aggregator", AGGREGATORS)
def test_what_one_episode_holds_is_lost_on_the_next_exactly(aggregator):
    """Huge numbers before a reset leave no rounding behind, as a difference of sums would."""
    tensors, start = _inputs(70, 0.0)
    start[:, 40] = True
    read, state = AGGREGATORS[aggregator](*tensors, start)
    huge = [x.clone() for x in tensors]
    for x in huge[:3]:
        x[:, :40] *= 1e100
    read_huge, state_huge = AGGREGATORS[aggregator](*huge, start)
    assert torch.equal(read_huge[:, 40:], read[:, 40:])
    assert torch.equal(state_huge, state)


@pytest.mark.parametrize("steps", [1, 20])
@pytest.mark.parametrize("aggregator", AGGREGATORS)
def test_autocast_and_narrow_inputs_are_read_in_the_precision_of_the_state(aggregator, steps):
    (q, k, v, state), start = _inputs(steps, 0.1, torch.float32)
    want, _ = AGGREGATORS[aggregator](q, k.bfloat16().float(), v, state, start)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        read, after = AGGREGATORS[aggregator](q, k.bfloat16(), v, state, start)
    assert read.dtype == after.dtype == torch.float32
    torch.testing.assert_close(read, want)


def test_a_mean_is_no_aggregator():
    assert check_aggregator("aggregator", "max") == "max"
    with pytest.raises(ValueError, match='aggregator must be "sum" or "max", got \'mean\''):
        check_aggregator("aggregator", "mean")
