import pytest
import torch

from popgym.memory import LMU, LMUState
from popgym.memory.ops.legendre import delay

T, F, D = 11, 4, 5


def naive(memory):
    """The three equations, one step and one row at a time."""

    def read(x, state, start):
        rows, hidden, kept = [], [], []
        for b in range(len(x)):
            h, m = state.hidden[b], state.memory[b]
            outputs = []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    h, m = torch.zeros_like(h), torch.zeros_like(m)
                u = memory.e_x @ x[b, t] + memory.e_h @ h + memory.e_m @ m
                m = memory.A @ m + memory.B * u
                h = torch.tanh(memory.W_x @ x[b, t] + memory.W_h @ h + memory.W_m @ m)
                outputs.append(h)
            rows.append(torch.stack(outputs))
            hidden.append(h)
            kept.append(m)
        return torch.stack(rows), LMUState(torch.stack(hidden), torch.stack(kept))

    return read


def _make(**options):
    torch.manual_seed(1)
    memory = LMU(F, D, **{"theta": 7, **options})
    torch.nn.init.normal_(memory.e_m)  # it is 0 at initialisation
    return memory


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"memory_size": 3},
        {"memory_size": 8, "learn_a": True},
        {"learn_b": True},
        {"learn_a": True, "learn_b": True},
    ],
)
def test_it_equals_the_formula(assert_equals_reference, options, starts):
    memory = _make(**options)
    assert_equals_reference(memory, naive(memory), starts=starts)


@pytest.mark.parametrize("learn_a", [False, True])
@pytest.mark.parametrize("learn_b", [False, True])
def test_the_matrices_learn_only_if_asked_to(learn_a, learn_b):
    memory = LMU(F, D, learn_a=learn_a, learn_b=learn_b)
    names = dict(memory.named_parameters())
    assert ("A" in names) is learn_a
    assert ("B" in names) is learn_b
    assert {"A", "B"} <= set(memory.state_dict())


def test_the_matrices_are_those_of_the_delay():
    memory = LMU(F, D, theta=9, memory_size=6)
    A, B = delay(6, 9)
    torch.testing.assert_close(memory.A, A.float())
    torch.testing.assert_close(memory.B, B.float())


def test_defaults_are_those_of_popgym():
    memory = LMU(F, D)
    assert (memory.theta, memory.memory_size) == (64, D)
    assert not list(filter(lambda name: name in "AB", dict(memory.named_parameters())))


def test_the_two_states_have_their_own_sizes():
    memory = LMU(F, D, memory_size=3)
    state = memory.initial_state(2)
    assert (state.hidden.shape, state.memory.shape) == ((2, D), (2, 3))
    assert memory.state_numel == D + 3
    assert memory.receptive_field is None


def test_autocast_trains_and_agrees_with_float32(assert_trains_under_autocast):
    memory = _make()
    x, start = torch.randn(4, 20, F, requires_grad=True), torch.rand(4, 20) < 0.1
    assert_trains_under_autocast(memory, x, start)


def test_the_backward_pass_may_run_inside_autocast():
    memory = _make(learn_a=True, learn_b=True)
    parameters = list(memory.parameters())
    x = torch.randn(4, 20, F)
    y, _ = memory(x, memory.initial_state(4))
    want = torch.autograd.grad(y.square().sum(), parameters)
    y, _ = memory(x, memory.initial_state(4))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = torch.autograd.grad(y.square().sum(), parameters)
    # the product with the inputs is outside the recurrence, so it runs in the autocast dtype
    torch.testing.assert_close(got, want, rtol=0.05, atol=0.05)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"theta": 0}, ValueError, "theta must be a number of steps above 0, got 0"),
        ({"theta": float("nan")}, ValueError, "above 0, got nan"),
        ({"theta": "64"}, TypeError, "theta must be a number, got '64'"),
        ({"memory_size": 0}, ValueError, "memory_size must be at least 1, got 0"),
        ({"memory_size": 2.0}, TypeError, "memory_size must be an integer, got 2.0"),
        ({"learn_a": 1}, TypeError, "learn_a must be a bool, got 1"),
        ({"learn_b": "no"}, TypeError, "learn_b must be a bool, got 'no'"),
    ],
)
def test_a_wrong_option_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        LMU(F, D, **options)
