import pytest
import torch

from popgym.memory.models.diffnc import DiffNC, DiffNCState

F, D = 4, 8
PHI = {"tanh": torch.tanh, "relu": torch.relu}
EPSILON = 1e-6


def _possible(state):
    """Make a state valid: usages and weightings in (0, 1), and a link matrix with diagonal 0."""
    off_diagonal = 1 - torch.eye(state.link.shape[-1], dtype=state.link.dtype)
    return state._replace(
        usage=state.usage.sigmoid(),
        read_weights=state.read_weights.sigmoid(),
        write_weights=state.write_weights.sigmoid(),
        link=state.link * off_diagonal,
    )


class FromAnyNumbers(DiffNC):
    def forward(self, x, state, start=None):
        return super().forward(x, _possible(state), start)


def _unit(v):
    return v / (v.square().sum() + EPSILON).sqrt()


def _content(key, strength, memory):
    return torch.stack([strength * (_unit(key) @ _unit(cell)) for cell in memory]).softmax(0)


def _allocation(usage):
    usage = [EPSILON + (1 - EPSILON) * u for u in usage]
    weights, before = [None] * len(usage), torch.ones((), dtype=usage[0].dtype)
    for i in sorted(range(len(usage)), key=lambda i: usage[i].item()):
        weights[i] = (1 - usage[i]) * before
        before = before * usage[i]
    return torch.stack(weights)


def _remember(xi, row, memory):
    """One step of the memory for one row, in the order of the paper's equations."""
    R, W = memory.read_heads, memory.cell_size
    keys, key, vector, strengths, strength, erase, free, g_a, g_w, modes = xi.split(
        [R * W, W, W, R, 1, W, R, 1, 1, 3 * R]
    )
    one_plus = torch.nn.functional.softplus
    erase, free, g_a, g_w = (a.sigmoid() for a in (erase, free, g_a, g_w))
    w, u, M, N = row.write_weights, row.usage, row.memory, len(row.memory)

    retention = torch.ones_like(u)
    for r in range(R):
        retention = retention * (1 - free[r] * row.read_weights[r])
    u = (u + w - u * w) * retention
    content = _content(key, 1 + one_plus(strength[0]), M)
    w = g_w * (g_a * _allocation(u) + (1 - g_a) * content)
    M = M * (1 - torch.outer(w, erase)) + torch.outer(w, vector)
    L = torch.zeros(N, N, dtype=M.dtype)
    for i in range(N):
        for j in set(range(N)) - {i}:
            kept = (1 - w[i] - w[j]) * row.link[i, j]
            L = L.index_put((torch.tensor(i), torch.tensor(j)), kept + w[i] * row.precedence[j])
    p = (1 - w.sum()) * row.precedence + w
    weights = []
    for r, mode in enumerate(modes.view(R, 3).softmax(1)):
        before = row.read_weights[r]
        by_content = _content(keys.view(R, W)[r], 1 + one_plus(strengths[r]), M)
        weights.append(mode[0] * (L.T @ before) + mode[1] * by_content + mode[2] * (L @ before))
    read = torch.stack([M.T @ weight for weight in weights])
    return row._replace(
        reads=read, memory=M, usage=u, precedence=p, link=L, read_weights=torch.stack(weights),
        write_weights=w,
    )  # fmt: skip


def _compute(memory, computer, x, row):
    """One step of one computer for one row x [F]."""
    H = memory.num_hidden_layers
    hidden, cell = [], []
    from_input = (computer.input.weight @ x + computer.input.bias).chunk(H)
    for layer, weight in enumerate(computer.recurrent):
        seen = [row.reads.flatten(), row.hidden[layer], *hidden[-1:]]
        i, f, o, g = (from_input[layer] + weight @ torch.cat(seen)).chunk(4)
        c = f.sigmoid() * row.cell[layer] + i.sigmoid() * PHI[computer.nonlinearity](g)
        hidden.append((o.sigmoid() * PHI[computer.nonlinearity](c)).clamp(-20, 20))
        cell.append(c)
    row = row._replace(hidden=torch.stack(hidden), cell=torch.stack(cell))
    xi = computer.interface.weight @ torch.cat(hidden) + computer.interface.bias
    row = _remember(xi, row, memory)
    out = torch.cat([*hidden, row.reads.flatten()])
    return computer.output.weight @ out + computer.output.bias, row


def naive(memory):
    """The equations, one row and one step at a time."""

    def read(x, state, start):
        state = _possible(state)
        outputs, kept = [], []
        for b in range(len(x)):
            rows = [DiffNCState(*(f[b, i] for f in state)) for i in range(memory.num_layers)]
            ys = []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    rows = [DiffNCState(*map(torch.zeros_like, row)) for row in rows]
                y = x[b, t]
                for i, computer in enumerate(memory.computers):
                    y, rows[i] = _compute(memory, computer, y, rows[i])
                ys.append(y)
            outputs.append(torch.stack(ys))
            kept.append([torch.stack(field) for field in zip(*rows, strict=True)])
        after = DiffNCState(*(torch.stack(field) for field in zip(*kept, strict=True)))
        return torch.stack(outputs), after

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"cell_size": 2, "read_heads": 2},
        {"cell_size": 3, "read_heads": 1, "num_hidden_layers": 2},
        {"cell_size": 4, "read_heads": 1, "num_layers": 2, "nonlinearity": "relu"},
    ],
)
def test_it_equals_the_formula(assert_equals_reference, options, starts):
    torch.manual_seed(1)
    memory = FromAnyNumbers(F, D, **options)
    assert_equals_reference(memory, naive(memory), starts=starts)


def _played(steps, seed=2, **options):
    """Return a memory and its state after some steps."""
    torch.manual_seed(seed)
    memory = DiffNC(F, 32, cell_size=4, read_heads=2, **options)
    with torch.no_grad():
        for parameter in memory.parameters():
            parameter.mul_(3)  # saturates the gates
        return memory, memory(torch.randn(3, steps, F), memory.initial_state(3))[1]


@pytest.mark.parametrize("steps", [1, 5, 200])
def test_weightings_stay_weightings(steps):
    _, state = _played(steps)
    for weights in (state.read_weights, state.write_weights, state.precedence):
        assert weights.min() >= 0
        assert weights.sum(-1).max() <= 1 + 1e-5
    assert 0 <= state.usage.min() <= state.usage.max() <= 1
    assert state.link.min() >= 0
    assert max(state.link.sum(-1).max(), state.link.sum(-2).max()) <= 1 + 1e-5
    assert not state.link.diagonal(dim1=-2, dim2=-1).any()


def test_every_parameter_is_there_from_the_start_and_is_trained():
    """The original created its core in the first call, too late for the optimiser to train it."""
    torch.manual_seed(3)
    memory = DiffNC(F, D, cell_size=2, read_heads=2)
    before = {name: p.detach().clone() for name, p in memory.named_parameters()}
    optimizer = torch.optim.Adam(memory.parameters(), lr=0.01)
    y, _ = memory(torch.randn(4, 12, F), memory.initial_state(4))
    y.square().sum().backward()
    optimizer.step()
    assert [n for n, p in memory.named_parameters() if torch.equal(p, before[n])] == []


@pytest.mark.slow
def test_it_learns_to_repeat_what_it_saw_four_steps_ago():
    torch.manual_seed(4)
    memory = DiffNC(2, 16, cell_size=4, read_heads=1)
    head = torch.nn.Linear(16, 2)
    optimizer = torch.optim.Adam([*memory.parameters(), *head.parameters()], lr=0.01)
    for _ in range(150):
        shown = torch.randint(0, 2, (32, 16))
        y, _ = memory(torch.nn.functional.one_hot(shown, 2).float(), memory.initial_state(32))
        logits, target = head(y[:, 4:]), shown[:, :-4]
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten()).backward()
        optimizer.step()
    assert (logits.argmax(-1) == target).float().mean() > 0.95


def test_the_number_of_cells_follows_from_the_hidden_size():
    memory = DiffNC(F, 256)
    shapes = [tuple(field.shape) for field in memory.initial_state(2)]
    assert shapes == [
        (2, 1, 1, 256), (2, 1, 1, 256), (2, 1, 4, 16), (2, 1, 16, 16), (2, 1, 16), (2, 1, 16),
        (2, 1, 16, 16), (2, 1, 4, 16), (2, 1, 16),
    ]  # fmt: skip
    assert DiffNC(F, 8).nr_cells == 1
    assert memory.receptive_field is None


def test_a_relu_controller_stays_finite():
    memory, state = _played(10, nonlinearity="relu")
    with torch.no_grad():
        y, state = memory(10 * torch.randn(3, 500, F), state)
    assert y.isfinite().all()
    assert all(field.isfinite().all() for field in state)
    assert state.hidden.max() <= 20


def test_autocast_keeps_the_state_in_the_parameters_dtype_and_agrees_with_float32():
    torch.manual_seed(5)
    memory = DiffNC(16, 32)
    x, start = torch.randn(4, 20, 16), torch.rand(4, 20) < 0.1
    exact, _ = memory(x, memory.initial_state(4), start)
    for inputs in (x, x.bfloat16()):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y, state = memory(inputs, memory.initial_state(4), start)
        assert {field.dtype for field in state} == {torch.float32}
        torch.testing.assert_close(y.float(), exact, rtol=0.05, atol=0.05)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"nonlinearity": "gelu"}, 'nonlinearity must be "tanh" or "relu", got \'gelu\''),
        ({"num_hidden_layers": 0}, "num_hidden_layers must be at least 1, got 0"),
        ({"num_layers": 0}, "num_layers must be at least 1, got 0"),
        ({"read_heads": -1}, "read_heads must be at least 1, got -1"),
        ({"cell_size": 0}, "cell_size must be at least 1, got 0"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        DiffNC(F, D, **options)
