import pytest
import torch
from torch.nn.functional import gelu, layer_norm

from popgym.memory import make_memory
from popgym.memory.models.xlstm import XLSTM, XLSTMState

F, D = 4, 6


def naive(memory):
    """The formulas, one row and one step at a time."""
    H, K = memory.mlstm.num_heads, memory.mlstm.key_size

    def norm(z, index):
        return layer_norm(z, (D,), memory.norms[index].weight, memory.norms[index].bias)

    def matrix(x, C, n, m):  # noqa: N803
        cell, kept, reads = memory.mlstm, [], []
        q, k, v, o = (cell.project.weight @ x).view(4, H, K)
        gates = cell.gates.weight @ x + cell.gates.bias
        for h in range(H):
            i, f = gates[h], torch.log(torch.sigmoid(gates[H + h]))
            m_t = torch.maximum(f + m[h], i)
            fade, add = torch.exp(f + m[h] - m_t), torch.exp(i - m_t)
            key = k[h] / K**0.5
            C_t, n_t = fade * C[h] + add * torch.outer(key, v[h]), fade * n[h] + add * key
            read = q[h] @ C_t / torch.maximum((q[h] @ n_t).abs(), torch.exp(-m_t))
            reads.append(torch.sigmoid(o[h]) * layer_norm(read, (K,), cell.norm.weight))
            kept.append((C_t, n_t, m_t))
        y = cell.output.weight @ torch.cat(reads) + cell.output.bias
        return y, *map(torch.stack, zip(*kept, strict=True))

    def scalar(x, h, c, n, m):
        cell = memory.slstm
        u = cell.recurrent.view(4 * D, D)  # one head
        z, i, f, o = (cell.weight @ x + u @ h + cell.bias.flatten()).split(D)
        log_f = torch.log(torch.sigmoid(f)) + torch.where(n == 0, -torch.inf, m)
        m_t = torch.maximum(log_f, i)
        fade, add = torch.exp(log_f - m_t), torch.exp(i - m_t)
        c, n = fade * c + add * torch.tanh(z), fade * n + add
        return torch.sigmoid(o) * c / n, c, n, m_t

    def step(x, kept):
        z = memory.project.weight @ x + memory.project.bias
        y, *first = matrix(norm(z, 0), *kept[:3])
        z = z + y
        second = scalar(norm(z, 1), *kept[3:])
        z = z + layer_norm(second[0], (D,), memory.slstm_norm.weight)
        gate, y = (memory.hidden.weight @ norm(z, 2) + memory.hidden.bias).chunk(2)
        y = memory.output.weight @ (gelu(gate) * y) + memory.output.bias
        return z + y, [*first, *second]

    def read(x, state, start):
        rows, states = [], []
        for b in range(len(x)):
            kept, outputs = [field[b] for field in state], []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    kept = [torch.zeros_like(field) for field in kept]
                y_t, kept = step(x[b, t], kept)
                outputs.append(y_t)
            rows.append(torch.stack(outputs))
            states.append(kept)
        return torch.stack(rows), XLSTMState(*map(torch.stack, zip(*states, strict=True)))

    return read


@pytest.mark.parametrize("starts", [False, True])
def test_it_equals_the_formula(assert_equals_reference, starts):
    torch.manual_seed(1)
    memory = XLSTM(F, D, num_heads=2, key_size=3)
    assert_equals_reference(memory, naive(memory), starts=starts)


def test_inputs_of_the_size_of_its_outputs_are_not_projected():
    assert not [*XLSTM(D, D).project.parameters()]


def test_autocast_keeps_the_state_in_the_parameters_dtype_and_agrees_with_float32():
    torch.manual_seed(3)
    memory = XLSTM(16, 64)
    x, start = torch.randn(4, 40, 16), torch.rand(4, 40) < 0.1
    exact, _ = memory(x, memory.initial_state(4), start)
    for inputs in (x, x.bfloat16()):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y, state = memory(inputs, memory.initial_state(4), start)
        assert {s.dtype for s in state} == {torch.float32}
        torch.testing.assert_close(y.float(), exact, rtol=0.1, atol=0.1)


def test_it_is_stacked_as_any_memory_is():
    memory = make_memory("xlstm", F, D, num_layers=2)
    y, _ = memory(torch.randn(2, 5, F), memory.initial_state(2))
    assert y.shape == (2, 5, D)


def test_a_number_of_heads_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="num_heads must be at least 1, got 0"):
        XLSTM(F, D, num_heads=0)
