import pytest
import torch

from popgym.memory import TemporalConv, TemporalConvState
from popgym.memory.ops import causal_conv

F = 4


@pytest.fixture(autouse=True, params=[0, 10**9], ids=["convolved", "from windows"])
def _both_ways(monkeypatch, request):
    monkeypatch.setattr(causal_conv, "_MOST_IN_WINDOWS", request.param)


CPU_BF16 = {"device_type": "cpu", "dtype": torch.bfloat16}


def naive(memory):
    """y_t = b + Σ_k W_k x_{t-k}, one step, one row and one tap at a time."""
    W = memory.stack_size

    def read(x, state, start):
        rows, kept = [], []
        for b in range(len(x)):
            past = list(state.frames[b])
            outputs = []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    past = [torch.zeros_like(x[b, t])] * (W - 1)
                window = [*past, x[b, t]]
                taps = (memory.conv.weight[:, :, k] @ window[k] for k in range(W))
                outputs.append(memory.conv.bias + sum(taps))
                past = window[1:]
            rows.append(torch.stack(outputs))
            kept.append(torch.stack(past) if past else x.new_zeros(0, F))
        return torch.stack(rows), TemporalConvState(torch.stack(kept))

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("stack_size", [1, 2, 4, 11, 15])
def test_it_equals_the_formula(assert_equals_reference, stack_size, starts):
    torch.manual_seed(1)
    memory = TemporalConv(F, 7, stack_size=stack_size)
    assert_equals_reference(memory, naive(memory), starts=starts)


def test_the_fast_form_in_float32_equals_the_formula():
    torch.manual_seed(2)
    memory = TemporalConv(16, 32)
    x, start = torch.randn(8, 64, 16), torch.rand(8, 64) < 0.05
    y, state = memory(x, memory.initial_state(8), start)
    y_naive, state_naive = naive(memory)(x, memory.initial_state(8), start)
    torch.testing.assert_close(y, y_naive, rtol=1e-4, atol=1e-5)
    assert torch.equal(state.frames, state_naive.frames)


def test_the_state_is_exactly_the_last_inputs():
    memory = TemporalConv(F, 5, stack_size=4)
    x = torch.randn(2, 9, F)
    _, state = memory(x, memory.initial_state(2))
    assert torch.equal(state.frames, x[:, -3:])


def test_the_state_keeps_older_frames_when_a_call_is_shorter_than_the_window():
    memory = TemporalConv(F, 5, stack_size=4)
    x = torch.randn(2, 4, F)
    _, state = memory(x[:, :2], memory.initial_state(2))
    _, state = memory(x[:, 2:], state)
    assert torch.equal(state.frames, x[:, 1:])


def test_the_state_holds_nothing_older_than_the_last_start():
    memory = TemporalConv(F, 5, stack_size=4)
    x = torch.randn(1, 9, F)
    start = torch.zeros(1, 9, dtype=torch.bool)
    start[0, 7] = True
    _, state = memory(x, memory.initial_state(1), start)
    assert torch.equal(state.frames[0, 0], torch.zeros(F))
    assert torch.equal(state.frames[0, 1:], x[0, 7:])


def test_a_window_of_one_keeps_no_state():
    memory = TemporalConv(F, 5, stack_size=1)
    assert memory.initial_state(2).frames.shape == (2, 0, F)
    assert memory.state_numel == 0
    assert memory.receptive_field == 1


@pytest.mark.parametrize("hidden_size", [1, 3, 7, 256])
def test_the_hidden_size_need_not_be_a_multiple_of_the_window(hidden_size):
    memory = TemporalConv(F, hidden_size, stack_size=4)
    y, _ = memory(torch.randn(2, 6, F), memory.initial_state(2))
    assert y.shape == (2, 6, hidden_size)


def test_a_reset_keeps_infinities_of_the_episode_before_out_of_single_rows():
    memory = TemporalConv(F, 5, stack_size=4)
    x = torch.full((2, 8, F), float("inf"))
    x[0, 3:] = 1.0
    start = torch.zeros(2, 8, dtype=torch.bool)
    start[0, 3] = True
    y, state = memory(x, memory.initial_state(2), start)
    assert y[0, 3:].isfinite().all()
    assert state.frames[0].isfinite().all()


def test_autocast_keeps_the_state_in_the_parameters_dtype_and_agrees_with_float32():
    torch.manual_seed(3)
    memory = TemporalConv(16, 32)
    x, start = torch.randn(4, 20, 16), torch.rand(4, 20) < 0.1
    exact, _ = memory(x, memory.initial_state(4), start)
    for inputs in (x, x.bfloat16()):
        with torch.autocast(**CPU_BF16):
            y, state = memory(inputs, memory.initial_state(4), start)
        assert y.dtype == torch.bfloat16
        assert state.frames.dtype == torch.float32
        torch.testing.assert_close(y.float(), exact, rtol=0.05, atol=0.05)


def test_single_steps_and_one_call_agree_under_autocast():
    torch.manual_seed(4)
    memory = TemporalConv(16, 32)
    x = torch.randn(4, 12, 16)
    with torch.autocast(**CPU_BF16):
        y, _ = memory(x, memory.initial_state(4))
        state, steps = memory.initial_state(4), []
        for t in range(12):
            y_t, state = memory(x[:, t : t + 1], state)
            steps.append(y_t)
    torch.testing.assert_close(torch.cat(steps, 1).float(), y.float(), rtol=0.02, atol=0.02)


def test_its_weights_are_those_of_a_torch_convolution():
    conv = torch.nn.Conv1d(F, 5, 4)
    memory = TemporalConv(F, 5, stack_size=4)
    memory.conv.load_state_dict(conv.state_dict())
    x = torch.randn(2, 9, F)
    y, _ = memory(x, memory.initial_state(2))
    torch.testing.assert_close(y[:, 3:], conv(x.mT).mT)
