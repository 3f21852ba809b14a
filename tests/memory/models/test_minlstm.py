import pytest
import torch

from popgym.memory import MinLSTM, MinLSTMState

T, F, D = 40, 4, 6


def naive(memory):
    """The four equations, one row and one step at a time."""

    def read(x, state, start):
        W_f, W_i, W_h = memory.inputs.weight.chunk(3)
        b_f, b_i, b_h = memory.inputs.bias.chunk(3)
        rows, kept = [], []
        for b in range(len(x)):
            h, outputs = state.hidden[b], []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    h = torch.zeros_like(h)
                f = 1 / (1 + (-(W_f @ x[b, t] + b_f)).exp())
                i = 1 / (1 + (-(W_i @ x[b, t] + b_i)).exp())
                h = f / (f + i) * h + i / (f + i) * (W_h @ x[b, t] + b_h)
                outputs.append(h)
            rows.append(torch.stack(outputs))
            kept.append(h)
        return torch.stack(rows), MinLSTMState(torch.stack(kept))

    return read


@pytest.mark.parametrize("starts", [False, True])
def test_it_equals_the_formula(assert_equals_reference, starts):
    torch.manual_seed(1)
    memory = MinLSTM(F, D)
    assert_equals_reference(memory, naive(memory), starts=starts)


def test_the_fast_form_in_float32_equals_the_formula():
    torch.manual_seed(2)
    memory = MinLSTM(64, D)
    x, start = torch.randn(8, T, 64), torch.rand(8, T) < 0.05
    y, state = memory(x, memory.initial_state(8), start)
    y_naive, state_naive = naive(memory)(x, memory.initial_state(8), start)
    torch.testing.assert_close(y, y_naive, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(state.hidden, state_naive.hidden, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("gate", [-500.0, 500.0])
def test_gates_both_closed_or_both_open_share_alike(gate):
    """f / (f + i) as it stands would be 0 / 0 where both are closed."""
    memory = MinLSTM(F, D)
    with torch.no_grad():
        memory.inputs.weight.zero_()
        memory.inputs.bias[: 2 * D] = gate
        memory.inputs.bias[2 * D :] = 3.0
    x = torch.zeros(1, 2, F, requires_grad=True)
    y, _ = memory(x, memory.initial_state(1))
    torch.testing.assert_close(y[0, :, 0], torch.tensor([1.5, 2.25]))
    gradients = torch.autograd.grad(y.sum(), [x, *memory.parameters()])
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_the_outputs_end_in_the_state_that_shares_no_storage_with_them():
    memory = MinLSTM(F, D)
    for steps in (1, T):
        y, state = memory(torch.randn(1, steps, F), memory.initial_state(1))
        assert torch.equal(y[:, -1], state.hidden)
        assert y[:, -1].data_ptr() != state.hidden.data_ptr()
    assert memory.state_numel == D
    assert memory.receptive_field is None


def test_autocast_trains_and_remembers_as_long_as_in_float32(assert_trains_under_autocast):
    torch.manual_seed(3)
    memory = MinLSTM(F, D)
    with torch.no_grad():
        memory.inputs.bias[D : 2 * D] = -7.0  # a share of a thousandth, of 8 bits none
    x, start = torch.randn(4, 2000, F, requires_grad=True), torch.zeros(4, 2000, dtype=torch.bool)
    start[1, 700] = True
    assert_trains_under_autocast(memory, x, start, atol=0.02)


@pytest.mark.parametrize("hidden_size", [0, -1])
def test_it_needs_outputs(hidden_size):
    with pytest.raises(ValueError, match=f"hidden_size must be at least 1, got {hidden_size}"):
        MinLSTM(F, hidden_size)
