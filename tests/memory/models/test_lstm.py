import pytest
import torch

from popgym.memory import LSTM, LSTMState
from popgym.memory.ops.resets import clear_at_first_step
from popgym.memory.rnn.recurrence import run_cells
from popgym.memory.rnn.torch_layers import by_layer, by_row, run_fused

T, F, D = 11, 4, 5


def naive(memory):
    """The six equations, one step and one row at a time."""
    sigmoid, tanh = torch.sigmoid, torch.tanh

    def step(x, h, c, w_ih, w_hh, b_ih, b_hh):
        w_i, w_f, w_g, w_o = w_ih.chunk(4)
        u_i, u_f, u_g, u_o = w_hh.chunk(4)
        b_i, b_f, b_g, b_o = (b_ih + b_hh).chunk(4)
        i, f = sigmoid(w_i @ x + b_i + u_i @ h), sigmoid(w_f @ x + b_f + u_f @ h)
        g, o = tanh(w_g @ x + b_g + u_g @ h), sigmoid(w_o @ x + b_o + u_o @ h)
        c = f * c + i * g
        return o * tanh(c), c

    def read(x, state, start):
        outputs, hidden, cells = [], [], []
        for b in range(len(x)):
            h, c = (list(s[b].chunk(memory.num_layers)) for s in state)
            row = []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    h, c = ([torch.zeros_like(s) for s in layers] for layers in (h, c))
                y_t = x[b, t]
                for layer, weights in enumerate(memory.lstm.all_weights):
                    h[layer], c[layer] = step(y_t, h[layer], c[layer], *weights)
                    y_t = h[layer]
                row.append(y_t)
            outputs.append(torch.stack(row))
            hidden.append(torch.cat(h))
            cells.append(torch.cat(c))
        return torch.stack(outputs), LSTMState(torch.stack(hidden), torch.stack(cells))

    return read


def by_one_way(memory, way):
    """Compute the memory with one of the two implementations that ``forward`` chooses from."""

    def read(x, state, start):
        state, start = clear_at_first_step(state, start)
        states = tuple(by_layer(s, memory.num_layers) for s in state)
        if way == "fused":
            y, after = run_fused(memory.lstm, x, states, start)
        else:
            y, after = run_cells(memory.cell, memory.lstm.all_weights, x, states, start)
        return y, LSTMState(*map(by_row, after))

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("num_layers", [1, 3])
def test_it_equals_the_formula(assert_equals_reference, num_layers, starts):
    torch.manual_seed(1)
    memory = LSTM(F, D, num_layers=num_layers)
    assert_equals_reference(memory, naive(memory), starts=starts)


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("way", ["fused", "cells"])
def test_both_ways_give_the_same(assert_equals_reference, way, num_layers, starts):
    torch.manual_seed(2)
    memory = LSTM(F, D, num_layers=num_layers)
    assert_equals_reference(memory, by_one_way(memory, way), starts=starts)


@pytest.mark.parametrize("every", [2, 30])
def test_many_and_few_resets_give_what_the_episodes_give_alone(every):
    """Torch's kernel processes the parts, our recurrence the whole sequence."""
    torch.manual_seed(5)
    memory = LSTM(F, D, num_layers=2).double()
    x = torch.randn(2, 60, F, dtype=torch.float64)
    start = (torch.arange(60) % every == 1).expand(2, 60)
    y, state = memory(x, memory.initial_state(2), start)
    begins = [0, *range(1, 60, every)]
    parts = [
        memory(x[:, begin:end], memory.initial_state(2))
        for begin, end in zip(begins, [*begins[1:], 60], strict=True)
    ]
    torch.testing.assert_close(y, torch.cat([part for part, _ in parts], 1))
    torch.testing.assert_close(tuple(state), tuple(parts[-1][1]))


def test_its_weights_are_exchangeable_with_torchs():
    lstm = torch.nn.LSTM(F, D, num_layers=2, batch_first=True)
    memory = LSTM(F, D, num_layers=2)
    memory.lstm.load_state_dict(lstm.state_dict())
    x = torch.randn(3, T, F)
    y, state = memory(x, memory.initial_state(3))
    y_torch, (hidden, cell) = lstm(x)
    torch.testing.assert_close(y, y_torch)
    torch.testing.assert_close(state.hidden, torch.cat(list(hidden), 1))
    torch.testing.assert_close(state.cell, torch.cat(list(cell), 1))


def test_lengths_around_the_recurrences_block_give_the_same_gradients_as_torch():
    for steps in (2, 170, 171, 341):
        torch.manual_seed(steps)
        memory = LSTM(F, D).double()
        x = torch.randn(3, steps, F, dtype=torch.float64)
        y, _ = by_one_way(memory, "cells")(x, memory.initial_state(3), None)
        got = torch.autograd.grad(y.square().sum(), list(memory.parameters()))
        y_torch, _ = memory.lstm(x)
        want = torch.autograd.grad(y_torch.square().sum(), list(memory.parameters()))
        torch.testing.assert_close(got, want)


def test_the_states_of_all_layers_are_one_row_per_environment():
    memory = LSTM(F, D, num_layers=3)
    assert [field.shape for field in memory.initial_state(2)] == [(2, 3 * D)] * 2
    assert memory.state_numel == 6 * D
    assert memory.receptive_field is None


@pytest.mark.parametrize("starts", [0.1, 0.5])
def test_autocast_trains_and_agrees_with_float32(assert_trains_under_autocast, starts):
    torch.manual_seed(3)
    memory = LSTM(F, D)
    x, start = torch.randn(4, 20, F, requires_grad=True), torch.rand(4, 20) < starts
    assert_trains_under_autocast(memory, x, start)


def test_the_backward_pass_may_run_inside_autocast():
    torch.manual_seed(4)
    memory = LSTM(F, D)
    x, start = torch.randn(4, 20, F), torch.rand(4, 20) < 0.5
    y, _ = memory(x, memory.initial_state(4), start)
    want = torch.autograd.grad(y.square().sum(), list(memory.parameters()))
    y, _ = memory(x, memory.initial_state(4), start)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = torch.autograd.grad(y.square().sum(), list(memory.parameters()))
    torch.testing.assert_close(got, want)


@pytest.mark.parametrize("num_layers", [0, -1])
def test_it_needs_a_layer(num_layers):
    with pytest.raises(ValueError, match=f"num_layers must be at least 1, got {num_layers}"):
        LSTM(F, D, num_layers=num_layers)
