import pytest
import torch

from popgym.memory import Elman, ElmanState
from popgym.memory.ops.resets import clear_at_first_step
from popgym.memory.rnn.torch_layers import by_layer, by_row, run_fused

T, F, D = 11, 4, 5


def naive(memory):
    """The equation, one step and one row at a time."""

    def read(x, state, start):
        rows, kept = [], []
        for b in range(len(x)):
            hidden = list(state.hidden[b].chunk(memory.num_layers))
            outputs = []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    hidden = [torch.zeros_like(h) for h in hidden]
                y_t = x[b, t]
                for layer, (w_ih, w_hh, b_ih, b_hh) in enumerate(memory.rnn.all_weights):
                    y_t = torch.tanh(w_ih @ y_t + b_ih + w_hh @ hidden[layer] + b_hh)
                    hidden[layer] = y_t
                outputs.append(y_t)
            rows.append(torch.stack(outputs))
            kept.append(torch.cat(hidden))
        return torch.stack(rows), ElmanState(torch.stack(kept))

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("num_layers", [1, 3])
def test_it_equals_the_formula(assert_equals_reference, num_layers, starts):
    torch.manual_seed(1)
    memory = Elman(F, D, num_layers=num_layers)
    assert_equals_reference(memory, naive(memory), starts=starts)


@pytest.mark.parametrize("starts", [False, True])
def test_torchs_kernel_equals_our_recurrence(assert_equals_reference, starts):
    """The two implementations; ``forward`` chooses one by device and length."""
    torch.manual_seed(2)
    memory = Elman(F, D, num_layers=2)

    def fused(x, state, start):
        state, start = clear_at_first_step(state, start)
        y, (hidden,) = run_fused(memory.rnn, x, (by_layer(state.hidden, 2),), start)
        return y, ElmanState(by_row(hidden))

    assert_equals_reference(memory, fused, starts=starts)


def test_its_weights_are_exchangeable_with_torchs():
    rnn = torch.nn.RNN(F, D, num_layers=2, batch_first=True)
    memory = Elman(F, D, num_layers=2)
    memory.rnn.load_state_dict(rnn.state_dict())
    x = torch.randn(3, T, F)
    y, state = memory(x, memory.initial_state(3))
    y_torch, hidden = rnn(x)
    torch.testing.assert_close(y, y_torch)
    torch.testing.assert_close(state.hidden, torch.cat(list(hidden), 1))


def test_lengths_around_the_recurrences_block_give_the_same_gradients_as_torch():
    for steps in (2, 170, 171, 341):
        torch.manual_seed(steps)
        memory = Elman(F, D).double()
        x = torch.randn(3, steps, F, dtype=torch.float64)
        y, _ = memory(x, memory.initial_state(3))
        got = torch.autograd.grad(y.square().sum(), list(memory.parameters()))
        y_torch, _ = memory.rnn(x)
        want = torch.autograd.grad(y_torch.square().sum(), list(memory.parameters()))
        torch.testing.assert_close(got, want)


def test_the_gradients_of_the_two_biases_share_no_storage():
    memory = Elman(F, D)
    memory(torch.randn(2, T, F), memory.initial_state(2))[0].sum().backward()
    one, other = memory.rnn.bias_ih_l0.grad, memory.rnn.bias_hh_l0.grad
    torch.testing.assert_close(one, other)
    assert one.data_ptr() != other.data_ptr()


def test_the_state_of_all_layers_is_one_row_per_environment():
    memory = Elman(F, D, num_layers=3)
    assert memory.initial_state(2).hidden.shape == (2, 3 * D)
    assert memory.state_numel == 3 * D
    assert memory.receptive_field is None


def test_autocast_trains_and_agrees_with_float32(assert_trains_under_autocast):
    torch.manual_seed(3)
    memory = Elman(F, D)
    x, start = torch.randn(4, 20, F, requires_grad=True), torch.rand(4, 20) < 0.1
    assert_trains_under_autocast(memory, x, start)


def test_the_backward_pass_may_run_inside_autocast():
    torch.manual_seed(4)
    memory = Elman(F, D)
    x = torch.randn(4, 20, F)
    y, _ = memory(x, memory.initial_state(4))
    want = torch.autograd.grad(y.square().sum(), list(memory.parameters()))
    y, _ = memory(x, memory.initial_state(4))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = torch.autograd.grad(y.square().sum(), list(memory.parameters()))
    torch.testing.assert_close(got, want)


@pytest.mark.parametrize("num_layers", [0, -1])
def test_it_needs_a_layer(num_layers):
    with pytest.raises(ValueError, match=f"num_layers must be at least 1, got {num_layers}"):
        Elman(F, D, num_layers=num_layers)
