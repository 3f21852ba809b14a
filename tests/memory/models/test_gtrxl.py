import math

import pytest
import torch
from torch.nn import functional

from popgym.memory import GTrXL, GTrXLState

F, D = 4, 7


def _normed(layer, x):
    return functional.layer_norm(x, x.shape, layer.weight, layer.bias)


def _position(distance):
    """R_δ, computed in float64 and rounded to the dtype of the buffer."""
    sizes = [10000 ** (-2 * i / D) for i in range(math.ceil(D / 2))]
    waves = [math.sin(distance * s) for s in sizes] + [math.cos(distance * s) for s in sizes]
    return torch.tensor(waves[:D], dtype=torch.float32).double()


def _attend(attention, past):
    """Compute one step's outputs from the normalised inputs it attends to, its own last."""
    heads, d = attention.content_bias.shape
    w_k, w_v = attention.key_value.weight.chunk(2)
    outputs = []
    for h in range(heads):
        rows = slice(h * d, (h + 1) * d)
        q = attention.query.weight[rows] @ past[-1]
        scores = []
        for distance, e in enumerate(reversed(past)):
            k = w_k[rows] @ e
            r = attention.position.weight[rows] @ _position(distance).to(e)
            content = (q + attention.content_bias[h]) @ k
            scores.append((content + (q + attention.position_bias[h]) @ r) / math.sqrt(d))
        weights = torch.stack(scores).exp()
        weights = weights / weights.sum()
        outputs.append(
            sum(w * (w_v[rows] @ e) for w, e in zip(weights, reversed(past), strict=True))
        )
    return attention.output.weight @ torch.cat(outputs)


def _gate(gate, x, y):
    w_r, w_z, w_h = gate.from_y.weight.chunk(3)
    u_r, u_z = gate.from_x.weight.chunk(2)
    r = torch.sigmoid(w_r @ y + u_r @ x)
    z = torch.sigmoid(w_z @ y + u_z @ x - gate.bias)
    h = torch.tanh(w_h @ y + gate.from_reset.weight @ (r * x))
    return (1 - z) * x + z * h


def naive(memory):
    """The formulas, one row, one step, one layer, one head and one distance at a time."""
    W = memory.window

    def read(x, state, start):
        rows, kept, held = [], [], []
        for b in range(len(x)):
            length = int((state.held[b] != 0).sum())
            # the inputs of each layer, oldest first
            pasts = [list(layer[W - length :]) for layer in state.inputs[b]]
            outputs = []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    pasts = [[] for _ in pasts]
                e = memory.embed.weight @ x[b, t] + memory.embed.bias
                for block, past in zip(memory.blocks, pasts, strict=True):
                    past.append(e)
                    seen = [_normed(block.norm, old) for old in past[-W - 1 :]]
                    y = _gate(block.attention_gate, e, _attend(block.attention, seen).clamp(min=0))
                    norm, into, _, out, _ = block.network
                    hidden = (into.weight @ _normed(norm, y) + into.bias).clamp(min=0)
                    e = _gate(block.network_gate, y, (out.weight @ hidden + out.bias).clamp(min=0))
                outputs.append(e)
            rows.append(torch.stack(outputs))
            last = [past[-W:] for past in pasts]
            gap = [[torch.zeros(D).to(x)] * (W - len(past)) for past in last]
            kept.append(torch.stack([torch.stack(g + p) for g, p in zip(gap, last, strict=True)]))
            held.append([0.0] * len(gap[0]) + [1.0] * len(last[0]))
        after = GTrXLState(torch.stack(kept), torch.tensor(held).to(x))
        return torch.stack(rows), after

    return read


def _make(**options):
    torch.manual_seed(1)
    memory = GTrXL(F, D, **options)
    for block in memory.blocks:  # they are 0 at initialisation
        torch.nn.init.normal_(block.attention.content_bias)
        torch.nn.init.normal_(block.attention.position_bias)
    return memory


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"num_layers": 1, "num_heads": 1, "window": 3},
        {"num_layers": 2, "num_heads": 3, "window": 4, "gate_bias": -0.5},
        {"num_layers": 2, "num_heads": 2, "window": 20},
    ],
)
def test_it_equals_the_formula(assert_equals_reference, options, starts):
    memory = _make(**options)
    assert_equals_reference(memory, naive(memory), starts=starts)


@pytest.mark.parametrize("starts", [False, True])
def test_it_equals_the_formula_over_several_blocks(starts):
    memory = _make(num_layers=2, num_heads=2, window=5)
    x, start = torch.randn(3, 80, F), torch.rand(3, 80) < 0.05
    start = start if starts else None
    with torch.no_grad():
        y, state = memory(x, memory.initial_state(3), start)
        y_naive, state_naive = naive(memory)(x, memory.initial_state(3), start)
    torch.testing.assert_close(y, y_naive, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(state, state_naive, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("num_layers", [1, 3])
def test_it_sees_as_far_as_it_says_and_no_further(num_layers):
    memory = _make(num_layers=num_layers, window=4, gate_bias=0.0).double()
    assert memory.receptive_field == 1 + 4 * num_layers
    steps = memory.receptive_field - 1
    x = torch.randn(1, steps + 2, F, dtype=torch.float64, requires_grad=True)
    y, _ = memory(x, memory.initial_state(1))
    (gradient,) = torch.autograd.grad(y[:, -1].sum(), [x])
    assert not gradient[:, 0].any()
    assert gradient[:, 1].any()


def test_the_state_keeps_only_steps_of_the_last_episode():
    memory = _make(num_layers=2, window=4)
    start = torch.zeros(3, 10, dtype=torch.bool)
    start[1, 8] = True
    start[2, [3, 9]] = True
    _, state = memory(torch.randn(3, 10, F), memory.initial_state(3), start)
    assert state.held.tolist() == [[1, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1]]
    for layer in state.inputs.unbind(1):
        assert torch.equal(layer.any(-1), state.held.bool())


def test_it_begins_near_to_a_map_of_each_input_alone():
    """The purpose of b_g: at first, layers are close to the identity."""
    torch.manual_seed(2)
    memory = GTrXL(F, 64, gate_bias=6.0)
    x = torch.randn(2, 30, F)
    y, _ = memory(x, memory.initial_state(2))
    torch.testing.assert_close(y, memory.embed(x), rtol=0, atol=0.05)


def test_autocast_trains_and_agrees_with_float32(assert_trains_under_autocast):
    memory = _make(window=8)
    x, start = torch.randn(4, 70, F, requires_grad=True), torch.rand(4, 70) < 0.1
    assert_trains_under_autocast(memory, x, start)


def test_positions_are_no_weights_to_be_saved():
    memory = _make()
    assert not [name for name in memory.state_dict() if "distances" in name]


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"num_layers": 0}, ValueError, "num_layers must be at least 1, got 0"),
        ({"num_heads": 0}, ValueError, "num_heads must be at least 1, got 0"),
        ({"num_heads": 2.0}, TypeError, "num_heads must be an integer, got 2.0"),
        ({"window": 0}, ValueError, "window must be at least 1, got 0"),
        ({"gate_bias": "2"}, TypeError, "gate_bias must be a number, got '2'"),
        ({"gate_bias": math.inf}, ValueError, "gate_bias must be finite, got inf"),
    ],
)
def test_a_wrong_option_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        GTrXL(F, D, **options)
