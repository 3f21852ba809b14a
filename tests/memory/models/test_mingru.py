import pytest
import torch

from popgym.memory import MinGRU, MinGRUState

T, F, D = 40, 4, 6


def naive(memory):
    """The three equations, one row and one step at a time."""

    def read(x, state, start):
        (W_z, W_h), (b_z, b_h) = memory.inputs.weight.chunk(2), memory.inputs.bias.chunk(2)
        rows, kept = [], []
        for b in range(len(x)):
            h, outputs = state.hidden[b], []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    h = torch.zeros_like(h)
                z = 1 / (1 + (-(W_z @ x[b, t] + b_z)).exp())
                h = (1 - z) * h + z * (W_h @ x[b, t] + b_h)
                outputs.append(h)
            rows.append(torch.stack(outputs))
            kept.append(h)
        return torch.stack(rows), MinGRUState(torch.stack(kept))

    return read


@pytest.mark.parametrize("starts", [False, True])
def test_it_equals_the_formula(assert_equals_reference, starts):
    torch.manual_seed(1)
    memory = MinGRU(F, D)
    assert_equals_reference(memory, naive(memory), starts=starts)


def test_the_fast_form_in_float32_equals_the_formula():
    torch.manual_seed(2)
    memory = MinGRU(64, D)
    x, start = torch.randn(8, T, 64), torch.rand(8, T) < 0.05
    y, state = memory(x, memory.initial_state(8), start)
    y_naive, state_naive = naive(memory)(x, memory.initial_state(8), start)
    torch.testing.assert_close(y, y_naive, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(state.hidden, state_naive.hidden, rtol=1e-4, atol=1e-5)


def test_a_state_is_a_mean_of_candidates():
    torch.manual_seed(3)
    memory = MinGRU(F, D)
    x = 100 * torch.randn(2, 500, F)
    y, _ = memory(x, memory.initial_state(2))
    candidates = memory.inputs(x)[..., D:]
    assert (y <= candidates.amax(1, keepdim=True).clamp(min=0) + 1e-3).all()
    assert (y >= candidates.amin(1, keepdim=True).clamp(max=0) - 1e-3).all()


def test_the_outputs_end_in_the_state_that_shares_no_storage_with_them():
    memory = MinGRU(F, D)
    for steps in (1, T):
        y, state = memory(torch.randn(1, steps, F), memory.initial_state(1))
        assert torch.equal(y[:, -1], state.hidden)
        assert y[:, -1].data_ptr() != state.hidden.data_ptr()
    assert memory.state_numel == D
    assert memory.receptive_field is None


def test_autocast_trains_and_remembers_as_long_as_in_float32(assert_trains_under_autocast):
    torch.manual_seed(4)
    memory = MinGRU(F, D)
    with torch.no_grad():
        memory.inputs.bias[:D] = -7.0  # z of a thousandth, which 1 - z of 8 bits rounds to 0
    x, start = torch.randn(4, 2000, F, requires_grad=True), torch.zeros(4, 2000, dtype=torch.bool)
    start[1, 700] = True
    assert_trains_under_autocast(memory, x, start, atol=0.02)


@pytest.mark.parametrize("hidden_size", [0, -1])
def test_it_needs_outputs(hidden_size):
    with pytest.raises(ValueError, match=f"hidden_size must be at least 1, got {hidden_size}"):
        MinGRU(F, hidden_size)
