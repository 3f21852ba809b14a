import pytest
import torch
from torch.nn import functional

from popgym.memory import SHM, SHMState

F, D = 4, 6


def naive(memory):
    """The formulas, one row and one step at a time."""
    L = memory.num_calibrations

    def feature_map(a):
        a = torch.relu(a)
        return a / (1e-5 + a.sum())

    def read(x, state, start):
        rows, kept, phases = [], [], []
        w_q, w_k, w_v, w_c, w_eta = memory.project.weight.split([memory.state_size] * 4 + [1])
        for b in range(len(x)):
            M, turn, outputs = state.memory[b], int(state.phase[b]), []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    M, turn = torch.zeros_like(M), 0
                norm = memory.norm
                e = functional.layer_norm(x[b, t], (F,), norm.weight, norm.bias)
                calibration = 1 + torch.tanh(torch.outer(memory.theta[turn % L], w_c @ e))
                eta = torch.sigmoid(w_eta @ e)
                M = M * calibration + eta * torch.outer(w_v @ e, feature_map(w_k @ e))
                shortcut = memory.shortcut.weight @ e + memory.shortcut.bias
                y = M @ feature_map(w_q @ e) + shortcut
                outputs.append(memory.output.weight @ y + memory.output.bias)
                turn += 1
            rows.append(torch.stack(outputs))
            kept.append(M)
            phases.append([float(turn % L)])
        return torch.stack(rows), SHMState(torch.stack(kept), torch.tensor(phases).to(x))

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"state_size": 3, "num_calibrations": 4},
        {"state_size": 1},
        {"state_size": 3, "num_calibrations": 1},
    ],
)
def test_it_equals_the_formula(assert_equals_reference, options, starts):
    torch.manual_seed(1)
    memory = SHM(F, D, **options)
    assert_equals_reference(memory, naive(memory), starts=starts)


@pytest.mark.parametrize("starts", [False, True])
def test_it_equals_the_formula_in_short_blocks(monkeypatch, assert_equals_reference, starts):
    monkeypatch.setattr("popgym.memory.models.shm._BLOCK", 3)
    torch.manual_seed(5)
    memory = SHM(F, D, state_size=3, num_calibrations=4)
    assert_equals_reference(memory, naive(memory), starts=starts)


def test_it_equals_the_formula_over_several_blocks_in_single_precision():
    torch.manual_seed(2)
    memory = SHM(F, D, state_size=5, num_calibrations=9)
    x, start = torch.randn(3, 80, F), torch.rand(3, 80) < 0.05
    with torch.no_grad():
        y, state = memory(x, memory.initial_state(3), start)
        y_naive, state_naive = naive(memory)(x, memory.initial_state(3), start)
    torch.testing.assert_close(y, y_naive, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(state, state_naive, rtol=1e-4, atol=1e-4)


def test_every_episode_goes_through_the_calibrations_in_turn():
    memory = SHM(F, D, num_calibrations=4)
    start = torch.zeros(3, 7, dtype=torch.bool)
    start[1, 5] = start[2, 0] = True
    state = SHMState(torch.zeros(3, 32, 32), torch.tensor([[3.0], [3.0], [3.0]]))
    _, after = memory(torch.randn(3, 7, F), state, start)
    assert after.phase.tolist() == [[(3 + 7) % 4], [2], [3]]


def test_the_product_of_calibrations_stays_near_one_in_the_mean():
    """The paper's claim, at the beginning of training and for independent inputs."""
    torch.manual_seed(3)
    memory = SHM(16, D)
    x = memory.norm(torch.randn(2000, 60, 16))
    c = x @ memory.project.weight[3 * 32 : 4 * 32].mT
    theta = memory.theta[:60].view(1, 60, 32, 1)[:, :, :4]
    products = (1 + torch.tanh(theta * c.unsqueeze(2))).log().sum(1).exp()
    mean = products.mean()
    assert 0.9 < mean < 1.1


def test_autocast_trains_and_agrees_with_float32():
    torch.manual_seed(4)
    memory = SHM(F, D)
    x, start = torch.randn(4, 40, F, requires_grad=True), torch.rand(4, 40) < 0.1
    exact, _ = memory(x, memory.initial_state(4), start)
    for inputs in (x, x.bfloat16()):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y, state = memory(inputs, memory.initial_state(4), start)
            y_1, _ = memory(inputs[:, :1], memory.initial_state(4))
        assert state.memory.dtype == torch.float32
        torch.testing.assert_close(y.float(), exact, rtol=0.1, atol=0.1)
        torch.testing.assert_close(y_1.float(), exact[:, :1], rtol=0.1, atol=0.1)
        (gradient,) = torch.autograd.grad(y.float().sum(), [x])
        assert gradient.isfinite().all()


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"state_size": 0}, ValueError, "state_size must be at least 1, got 0"),
        ({"state_size": 2.0}, TypeError, "state_size must be an integer, got 2.0"),
        ({"num_calibrations": 0}, ValueError, "num_calibrations must be at least 1, got 0"),
    ],
)
def test_a_wrong_option_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        SHM(F, D, **options)
