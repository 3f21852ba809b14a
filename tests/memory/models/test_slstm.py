import pytest
import torch

from popgym.memory.models.slstm import SLSTM, SLSTMState

F, D = 4, 6


def naive(memory):
    """The formulas with their stabiliser, one row, one step and one head at a time."""
    H, size = memory.num_heads, memory.output_size // memory.num_heads

    def gate(x, h_tm1, index):
        own = slice(index * memory.output_size, (index + 1) * memory.output_size)
        heads = h_tm1.split(size)
        recurrent = torch.cat([memory.recurrent[index, i] @ heads[i] for i in range(H)])
        return memory.weight[own] @ x + recurrent + memory.bias[index]

    def step(x, h_tm1, c, n, m):
        z, i, f, o = (gate(x, h_tm1, index) for index in range(4))
        f = torch.log(torch.sigmoid(f))
        m_t = torch.where(n == 0, i, torch.maximum(f + m, i))
        fade = torch.where(n == 0, torch.zeros_like(n), torch.exp(f + m - m_t))
        c = fade * c + torch.exp(i - m_t) * torch.tanh(z)
        n = fade * n + torch.exp(i - m_t)
        return torch.sigmoid(o) * c / n, c, n, m_t

    def read(x, state, start):
        rows, states = [], []
        for b in range(len(x)):
            kept, outputs = [field[b] for field in state], []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    kept = [torch.zeros_like(field) for field in kept]
                kept = step(x[b, t], *kept)
                outputs.append(kept[0])
            rows.append(torch.stack(outputs))
            states.append(kept)
        return torch.stack(rows), SLSTMState(*map(torch.stack, zip(*states, strict=True)))

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("num_heads", [1, 2, D])
def test_it_equals_the_formula(assert_equals_reference, num_heads, starts):
    torch.manual_seed(1)
    memory = SLSTM(F, D, num_heads)
    assert_equals_reference(memory, naive(memory), starts=starts)


def test_it_equals_the_formula_with_gates_that_open_and_close(assert_equals_reference):
    torch.manual_seed(4)
    memory = SLSTM(F, D)
    with torch.no_grad():
        memory.weight[D : 3 * D] *= 30
    assert_equals_reference(memory, naive(memory), starts=True)


def test_it_equals_the_formula_from_the_initial_state_in_single_precision():
    torch.manual_seed(2)
    memory = SLSTM(16, 32, num_heads=4)
    x, start = torch.randn(3, 50, 16), torch.rand(3, 50) < 0.05
    with torch.no_grad():
        y, state = memory(x, memory.initial_state(3), start)
        y_naive, state_naive = naive(memory)(x, memory.initial_state(3), start)
    torch.testing.assert_close(y, y_naive, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(tuple(state), tuple(state_naive), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bias", [-1000.0, 1000.0])
def test_an_input_gate_beyond_all_exponentials_still_opens_at_an_episodes_first_step(bias):
    """Whatever the gate, what is stored alone is returned as it is: h = o z."""
    torch.manual_seed(0)
    memory = SLSTM(F, D)
    with torch.no_grad():
        memory.bias[1] = bias
    x = torch.randn(2, 3, F, requires_grad=True)
    y, state = memory(x, memory.initial_state(2), torch.ones(2, 3, dtype=torch.bool))
    pre = torch.nn.functional.linear(x, memory.weight, memory.bias.flatten())
    z, _, _, o = pre.chunk(4, -1)
    torch.testing.assert_close(y, o.sigmoid() * z.tanh())
    assert (state.n == 1).all()
    assert torch.autograd.grad(y.sum(), x)[0].isfinite().all()


def test_autocast_computes_in_the_precision_of_the_parameters():
    torch.manual_seed(3)
    memory = SLSTM(16, 64)
    x, start = torch.randn(4, 40, 16), torch.rand(4, 40) < 0.1
    exact, _ = memory(x, memory.initial_state(4), start)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, state = memory(x, memory.initial_state(4), start)
        narrow, _ = memory(x.bfloat16(), memory.initial_state(4), start)
    assert {s.dtype for s in state} == {torch.float32}
    assert torch.equal(y, exact)
    torch.testing.assert_close(narrow, exact, rtol=0.05, atol=0.05)


@pytest.mark.parametrize(
    "num_heads, message",
    [
        (0, "num_heads must be at least 1, got 0"),
        (4, r"num_heads must divide hidden_size 6, got 4: it may be one of \[1, 2, 3, 6\]"),
    ],
)
def test_a_number_of_heads_that_does_not_fit_is_refused(num_heads, message):
    with pytest.raises(ValueError, match=message):
        SLSTM(F, D, num_heads)
