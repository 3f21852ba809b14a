import pytest
import torch
from torch.nn import functional

from popgym.memory.models.mlstm import MLSTM, MLSTMState

F, D = 4, 7


def naive(memory):
    """The formulas, one row, one step and one head at a time."""
    H, K = memory.num_heads, memory.key_size

    def step(x, kept):
        projected = memory.project.weight @ x
        gates = memory.gates.weight @ x + memory.gates.bias
        kept, reads = [list(field) for field in kept], []
        for h in range(H):
            q, k, v, o = (projected[(i * H + h) * K : (i * H + h + 1) * K] for i in range(4))
            k = k / K**0.5
            i, f = gates[h], torch.log(torch.sigmoid(gates[H + h]))
            m_tm1 = kept[2][h]
            kept[2][h] = m = torch.maximum(f + m_tm1, i)
            fade, add = torch.exp(f + m_tm1 - m), torch.exp(i - m)
            kept[0][h] = fade * kept[0][h] + add * torch.outer(k, v)
            kept[1][h] = fade * kept[1][h] + add * k
            read = q @ kept[0][h] / torch.maximum((q @ kept[1][h]).abs(), torch.exp(-m))
            read = functional.layer_norm(read, (K,), memory.norm.weight)
            reads.append(torch.sigmoid(o) * read)
        return memory.output.weight @ torch.cat(reads) + memory.output.bias, kept

    def read(x, state, start):
        rows, states = [], []
        for b in range(len(x)):
            kept, outputs = [list(field[b]) for field in state], []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    kept = [[torch.zeros_like(y) for y in field] for field in kept]
                y_t, kept = step(x[b, t], kept)
                outputs.append(y_t)
            rows.append(torch.stack(outputs))
            states.append([torch.stack(field) for field in kept])
        return torch.stack(rows), MLSTMState(*map(torch.stack, zip(*states, strict=True)))

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("num_heads, key_size", [(1, 3), (2, 4)])
def test_it_equals_the_formula(assert_equals_reference, num_heads, key_size, starts):
    torch.manual_seed(1)
    memory = MLSTM(F, D, num_heads, key_size)
    assert_equals_reference(memory, naive(memory), starts=starts)


def test_it_equals_the_formula_over_several_chunks_in_single_precision():
    torch.manual_seed(2)
    memory = MLSTM(16, 32, num_heads=2, key_size=8)
    x, start = torch.randn(3, 100, 16), torch.rand(3, 100) < 0.05
    with torch.no_grad():
        y, state = memory(x, memory.initial_state(3), start)
        y_naive, state_naive = naive(memory)(x, memory.initial_state(3), start)
    torch.testing.assert_close(y, y_naive, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(tuple(state), tuple(state_naive), rtol=1e-3, atol=1e-4)


def test_autocast_keeps_the_state_in_the_parameters_dtype_and_agrees_with_float32():
    torch.manual_seed(3)
    memory = MLSTM(16, 64)
    x, start = torch.randn(4, 40, 16), torch.rand(4, 40) < 0.1
    exact, _ = memory(x, memory.initial_state(4), start)
    for inputs in (x, x.bfloat16()):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y, state = memory(inputs, memory.initial_state(4), start)
            y_1, state_1 = memory(inputs[:, :1], memory.initial_state(4))
        assert {s.dtype for s in (*state, *state_1)} == {torch.float32}
        torch.testing.assert_close(y.float(), exact, rtol=0.1, atol=0.1)
        torch.testing.assert_close(y_1.float(), exact[:, :1], rtol=0.1, atol=0.1)


def test_at_first_its_heads_forget_over_tens_to_hundreds_of_steps():
    memory = MLSTM(F, D)
    kept = memory.gates.bias[4:].sigmoid()
    torch.testing.assert_close(
        kept, torch.tensor([0.9526, 0.9820, 0.9933, 0.9975]), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("option", ["num_heads", "key_size"])
def test_a_size_that_does_not_fit_is_refused(option):
    with pytest.raises(ValueError, match=f"{option} must be at least 1, got 0"):
        MLSTM(F, D, **{option: 0})
