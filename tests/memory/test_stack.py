from functools import partial
from typing import NamedTuple

import pytest
import torch
from torch.nn import functional

from popgym.memory import (
    GRU,
    LRU,
    Elman,
    ElmanState,
    Framestack,
    GRUState,
    Layers,
    LinearAttention,
    Memory,
    TemporalConv,
    make_memory,
)
from popgym.testing import LAWS

T, F, D = 11, 4, 5


def naive(memory):
    """Elman's formula and the block's, one row, one step and one layer at a time."""

    def norm(layer, x):
        return functional.layer_norm(x, x.shape, layer.weight, layer.bias)

    def step(index, x, h):
        """One layer's output and hidden state, from its input x and the state h before."""
        rnn = memory.memories[index].rnn
        w_x, w_h, b_x, b_h = rnn.all_weights[0]
        inputs = norm(memory.norms[index], x) if memory.residual else x
        h = torch.tanh(w_x @ inputs + b_x + w_h @ h + b_h)
        if not memory.residual:
            return h, h
        z = x + h
        network = memory.networks[index]
        if not isinstance(network, torch.nn.Identity):
            hidden = network.hidden.weight @ norm(network.norm, z) + network.hidden.bias
            z = z + network.output.weight @ hidden.clamp(min=0) + network.output.bias
        return z, h

    def read(x, state, start):
        rows, kept = [], []
        for b in range(len(x)):
            hidden, outputs = list(state.hidden[b].split(D)), []
            for t in range(x.shape[1]):
                if start is not None and start[b, t]:
                    hidden = [torch.zeros_like(h) for h in hidden]
                y = x[b, t]
                if memory.residual and len(y) != D:
                    y = memory.project.weight @ y + memory.project.bias
                for index, h in enumerate(hidden):
                    y, hidden[index] = step(index, y, h)
                outputs.append(y)
            rows.append(torch.stack(outputs))
            kept.append(torch.cat(hidden))
        return torch.stack(rows), ElmanState(torch.stack(kept))

    return read


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("input_size", [F, D])
@pytest.mark.parametrize("options", [{}, {"residual": True}, {"residual": True, "feed_forward": 7}])
def test_it_equals_the_formula(assert_equals_reference, options, input_size, num_layers, starts):
    torch.manual_seed(1)
    memory = Layers(Elman, input_size, D, num_layers, **options)
    assert_equals_reference(memory, naive(memory), starts=starts)


def test_plain_layers_are_those_that_a_memory_stacks_itself():
    torch.manual_seed(2)
    ours, own = Layers(GRU, F, D, 3), GRU(F, D, num_layers=3)
    for layer, memory in enumerate(ours.memories):
        for name, weight in memory.gru.named_parameters():
            getattr(own.gru, name.replace("l0", f"l{layer}")).data = weight
    x, start = torch.randn(2, T, F), torch.rand(2, T) < 0.2
    y, state = ours(x, ours.initial_state(2), start)
    y_own, state_own = own(x, own.initial_state(2), start)
    torch.testing.assert_close(y, y_own)
    torch.testing.assert_close(state, state_own)


SPECIMENS = {
    "frameconv": TemporalConv,
    "frameconv of one tap": partial(TemporalConv, stack_size=1),
    "framestack": Framestack,
    "gru": GRU,
    "lru": LRU,
    "linear_attention": LinearAttention,
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("options", [{}, {"residual": True, "feed_forward": 12}])
@pytest.mark.parametrize("name", SPECIMENS)
def test_layers_obey_every_law(name, options, law):
    LAWS[law](lambda: Layers(SPECIMENS[name], 6, 16, 2, **options))


@pytest.mark.parametrize("law", LAWS)
def test_residual_blocks_of_every_width_obey_every_law(law):
    LAWS[law](lambda: Layers(GRU, 8, 8, 3, residual=True))


def test_they_reach_as_far_as_all_together():
    assert Layers(partial(TemporalConv, stack_size=5), F, D, 3).receptive_field == 13
    assert Layers(GRU, F, D, 3).receptive_field is None
    assert make_memory("mlp", F, D, num_layers=2).receptive_field == 1


class OwnState(NamedTuple):
    level: torch.Tensor  # [B]


class Own(Memory):
    """One number a row, without an axis for it."""

    def initial_state(self, batch_size):
        return OwnState(torch.zeros(batch_size))

    def forward(self, x, state, start=None):
        self.check_arguments(x, state, start)
        level = state.level + x.sum((1, 2))
        return x + level.view(-1, 1, 1), OwnState(level)


def test_a_memory_of_ones_own_has_layers():
    memory = make_memory(f"{__name__}:Own", D, D, num_layers=2)
    y, state = memory(torch.ones(3, 1, D), memory.initial_state(3))
    # 5 ones; then 5 sixes
    assert state.level.tolist() == [[5, 5 * 6]] * 3
    assert (y == 1 + 5 + 30).all()


class TestByName:
    def test_without_options_of_layers_it_is_the_memory_itself(self):
        options = {"num_layers": 1, "residual": False, "feed_forward": 0}
        assert type(make_memory("frameconv", F, D, **options)) is TemporalConv

    def test_a_memory_with_layers_of_its_own_keeps_them(self):
        memory = make_memory("gru", F, D, num_layers=2)
        assert type(memory) is GRU
        assert memory.num_layers == 2

    def test_as_residual_blocks_each_has_one_layer(self):
        memory = make_memory("gru", F, D, num_layers=2, residual=True)
        assert [layer.num_layers for layer in memory.memories] == [1, 1]

    def test_as_many_residual_blocks_as_the_memory_has_layers_unless_told_otherwise(self):
        memory = make_memory("deep_linear_attention", F, 64, residual=True)
        assert [layer.num_layers for layer in memory.memories] == [1] * 4

    def test_the_other_options_are_those_of_each_layer(self):
        memory = make_memory("frameconv", F, D, num_layers=2, stack_size=7)
        assert [layer.stack_size for layer in memory.memories] == [7, 7]

    def test_a_state_of_one_layer_is_refused(self):
        memory = make_memory("lstm", F, D, num_layers=2, residual=True)
        state = make_memory("lstm", F, D).initial_state(1)
        with pytest.raises(ValueError, match=r"state.hidden must be \[1, 10\].* got \[1, 5\]"):
            memory(torch.randn(1, T, F), state)


def test_the_state_keeps_the_names_of_its_fields():
    state = Layers(GRU, F, D, 2).initial_state(3)
    assert isinstance(state, GRUState)
    assert state.hidden.shape == (3, 2 * D)


def test_autocast_trains():
    memory = Layers(LRU, F, D, 2, residual=True, feed_forward=8)
    x = torch.randn(4, T, F)
    exact, _ = memory(x, memory.initial_state(4))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, _ = memory(x, memory.initial_state(4))
    torch.testing.assert_close(y.float(), exact, rtol=0.1, atol=0.1)
    y.float().sum().backward()
    assert all(p.grad.isfinite().all() for p in memory.parameters())


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"num_layers": 0}, ValueError, "num_layers must be at least 1, got 0"),
        ({"num_layers": "2"}, TypeError, "num_layers must be an integer, got '2'"),
        ({"num_layers": True}, TypeError, "num_layers must be an integer, got True"),
        ({"residual": 1}, TypeError, "residual must be a bool, got 1"),
        ({"residual": True, "feed_forward": -1}, ValueError, "feed_forward must be at least 1"),
        ({"residual": True, "feed_forward": False}, TypeError, "must be an integer, got False"),
        ({"feed_forward": 64}, ValueError, "feed_forward 64 needs residual=True"),
    ],
)
@pytest.mark.parametrize("name", ["frameconv", "gru"])
def test_a_wrong_option_is_refused(name, options, error, message):
    with pytest.raises(error, match=message):
        make_memory(name, F, D, **options)
