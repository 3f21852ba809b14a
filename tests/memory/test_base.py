"""What every memory refuses, and how it says so."""

import numpy as np
import pytest
import torch

from popgym.memory import MEMORIES, MLP, GRUState, TemporalConv, make_memory

B, T, F, D = 2, 5, 3, 8


def _call(name, **changes):
    memory = make_memory(name, F, D)
    given = {"x": torch.randn(B, T, F), "state": memory.initial_state(B), "start": None}
    return memory(**{**given, **changes})


@pytest.mark.parametrize("name", MEMORIES)
@pytest.mark.parametrize(
    "changes, error, message",
    [
        (
            {"x": torch.randn(B, F)},
            ValueError,
            r"x must be \[B, T, F\] .* = 3, got \[2, 3\]: .*unsqueeze",
        ),
        ({"x": torch.randn(B, T, 4)}, ValueError, r"x must be .* = 3, got \[2, 5, 4\]"),
        ({"x": torch.randn(B, 0, F)}, ValueError, r"at least one row and one step, .*\[2, 0, 3\]"),
        ({"x": torch.randn(0, T, F)}, ValueError, r"at least one row and one step, .*\[0, 5, 3\]"),
        ({"x": [[0.0] * F]}, TypeError, "x must be a tensor .* got a list"),
        (
            {"x": torch.randn(B, T, F).double()},
            TypeError,
            "x is torch.float64 and .*torch.float32",
        ),
        (
            {"x": torch.ones(B, T, F).long()},
            TypeError,
            r"x is torch.int64 and .*: convert it with .to\(torch.float32\)",
        ),
        ({"x": torch.randn(B, T, F, device="meta")}, ValueError, "x is on meta and .* on cpu"),
        ({"start": torch.zeros(B, T)}, TypeError, r"None, got torch.float32: .*\.bool\(\)"),
        ({"start": [True]}, TypeError, "torch.bool or None, got a list"),
        ({"start": torch.zeros(B).bool()}, ValueError, r"\[B, T\] = \[2, 5\] .* got \[2\]"),
        ({"start": torch.zeros(B, T, device="meta").bool()}, ValueError, "start must be on cpu"),
        ({"state": (torch.zeros(B, D),)}, TypeError, r"start from initial_state\(batch_size\)"),
        ({"state": None}, TypeError, r"got None: start from initial_state\(batch_size\)"),
    ],
)
def test_an_argument_that_does_not_fit_is_refused(name, changes, error, message):
    with pytest.raises(error, match=message):
        _call(name, **changes)


@pytest.mark.parametrize(
    "hidden, error, message",
    [
        (torch.zeros(3, D), ValueError, r"state.hidden must be \[2, 8\] .* got \[3, 8\]"),
        (torch.zeros(B, 9), ValueError, r"got \[2, 9\]: start from initial_state\(2\)"),
        (torch.zeros(B, D).double(), TypeError, "must be torch.float32, got .*: convert it"),
        (torch.zeros(B, D, device="meta"), ValueError, "state.hidden must be on cpu"),
        (None, TypeError, "state.hidden must be a tensor, got None"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(hidden, error, message):
    with pytest.raises(error, match=message):
        _call("gru", state=GRUState(hidden))


def test_the_state_of_another_memory_is_refused():
    state = TemporalConv(F, D).initial_state(B)
    with pytest.raises(TypeError, match="the state of GRU is a GRUState, got a TemporalConvState"):
        _call("gru", state=state)


@pytest.mark.parametrize("kind", [tuple, list])
def test_a_state_that_lost_its_name_is_refused_with_a_way_to_give_it_back(kind):
    state = kind(make_memory("lstm", F, D).initial_state(B))
    with pytest.raises(TypeError, match=rf"got a {kind.__name__}: .* LSTMState\(\*state\)"):
        _call("lstm", state=state)


@pytest.mark.parametrize("name", MEMORIES)
@pytest.mark.parametrize("layers", [{}, {"num_layers": 2, "residual": True}])
@pytest.mark.parametrize(
    "batch_size, error, message",
    [
        (-1, ValueError, "batch_size must be at least 0, got -1"),
        (2.0, TypeError, "batch_size must be an integer, got 2.0"),
        (True, TypeError, "batch_size must be an integer, got True"),
        (None, TypeError, "batch_size must be an integer, got None"),
    ],
)
def test_a_number_of_rows_that_is_none_is_refused(name, layers, batch_size, error, message):
    with pytest.raises(error, match=message):
        make_memory(name, F, D, **layers).initial_state(batch_size)


def test_numpys_integers_are_numbers_of_rows():
    assert make_memory("gru", F, D).initial_state(np.int64(3)).hidden.shape == (3, D)


def test_the_initial_state_may_take_options_of_its_own():
    class Warm(MLP):
        def initial_state(self, batch_size, warmth=0.0):
            return GRUState(torch.full((batch_size, 1), warmth))

    assert Warm(F, D).initial_state(batch_size=2, warmth=3.0).hidden.tolist() == [[3.0], [3.0]]


@pytest.mark.parametrize(
    "name, option",
    [
        ("gtrxl", "gate_bias"),
        ("lmu", "theta"),
        ("lru", "max_phase"),
        ("lru", "r_max"),
        ("lru", "r_min"),
        ("parallel_lmu", "theta"),
        ("s4d", "dt_max"),
        ("s4d", "dt_min"),
        ("s5", "dt_max"),
        ("s5", "dt_min"),
        ("tcn", "dropout"),
    ],
)
@pytest.mark.parametrize("value", ["0.5", None, True])
def test_an_option_that_is_no_number_is_refused(name, option, value):
    with pytest.raises(TypeError, match=f"{option} must be a number, got {value!r}"):
        make_memory(name, F, D, **{option: value})


@pytest.mark.parametrize("name", MEMORIES)
def test_the_states_of_all_other_memories_are_refused(name):
    memory = make_memory(name, F, D)
    for other in MEMORIES:
        if other.removeprefix("deep_") == name.removeprefix("deep_"):
            continue  # the same memory, in more blocks
        with pytest.raises(TypeError, match=f"the state of {type(memory).__name__} is a"):
            memory(torch.randn(B, T, F), make_memory(other, F, D).initial_state(B))


def test_a_wider_autocast_dtype_is_no_mistake():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, _ = _call("frameconv", x=torch.randn(B, T, F).bfloat16())
    assert y.shape == (B, T, D)


@pytest.mark.parametrize("name", MEMORIES)
@pytest.mark.parametrize(
    "sizes, error, message",
    [
        ((0, 8), ValueError, "input_size must be at least 1, got 0"),
        ((3, -1), ValueError, "hidden_size must be at least 1, got -1"),
        ((3.0, 8), TypeError, "input_size must be an integer, got 3.0"),
        ((3, True), TypeError, "hidden_size must be an integer, got True"),
    ],
)
def test_a_size_that_does_not_fit_is_refused(name, sizes, error, message):
    with pytest.raises(error, match=message):
        make_memory(name, *sizes)


@pytest.mark.parametrize("stack_size, error", [(0, ValueError), (2.5, TypeError), ("4", TypeError)])
def test_a_window_that_does_not_fit_is_refused(stack_size, error):
    with pytest.raises(error, match=f"stack_size must be .*, got {stack_size!r}"):
        TemporalConv(F, D, stack_size=stack_size)


@pytest.mark.parametrize("name", MEMORIES)
def test_the_state_follows_the_parameters(name):
    memory = make_memory(name, F, D).double()
    assert all(field.dtype == torch.float64 for field in memory.initial_state(1))
    assert all(field.device.type == "meta" for field in memory.to("meta").initial_state(1))


def test_checking_reads_no_values():
    """On the meta device there are none to read."""
    memory = TemporalConv(F, D).to("meta")
    x, start = torch.randn(B, T, F, device="meta"), torch.zeros(B, T, device="meta").bool()
    memory.check_arguments(x, memory.initial_state(B), start)


def test_a_memory_without_state_takes_a_state_of_its_own_kind_only():
    with pytest.raises(TypeError, match="the state of MLP is a MLPState"):
        MLP(F, D)(torch.randn(B, T, F), None)


@pytest.mark.parametrize("name", MEMORIES)
@pytest.mark.parametrize("sizes", [(1, D), (F, 1), (1, 1)])
def test_a_single_feature_is_enough(name, sizes):
    torch.manual_seed(0)
    memory = make_memory(name, *sizes).eval()
    x, start = torch.randn(B, T, sizes[0]), torch.tensor([[False] * T, [False, True] + [False] * 3])
    y, state = memory(x, memory.initial_state(B), start)
    assert y.shape == (B, T, sizes[1])
    y_1, state_1 = y[:, :0], memory.initial_state(B)
    for t in range(T):
        y_t, state_1 = memory(x[:, t : t + 1], state_1, start[:, t : t + 1])
        y_1 = torch.cat([y_1, y_t], 1)
    torch.testing.assert_close([y_1, *state_1], [y, *state], rtol=1e-4, atol=1e-5)
    y.sum().backward()
