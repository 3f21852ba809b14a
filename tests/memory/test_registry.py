import math
from typing import NamedTuple

import pytest

from popgym.memory import (
    FFM,
    GRU,
    LMU,
    LRU,
    LSTM,
    MEMORIES,
    MLP,
    S4D,
    S5,
    SHM,
    TCN,
    DeepFastWeightProgrammer,
    DeepLinearAttention,
    DiffNC,
    Elman,
    FastWeightProgrammer,
    Framestack,
    GTrXL,
    IndRNN,
    LinearAttention,
    Memory,
    MinGRU,
    MinLSTM,
    ParallelLMU,
    TemporalConv,
    find_memory,
    make_memory,
    memory_options,
)
from popgym.memory.stack import LAYER_OPTIONS


class OwnState(NamedTuple):
    pass


class Own(Memory):
    def __init__(self, input_size, hidden_size, depth=2):
        super().__init__(input_size, hidden_size)
        self.depth = depth

    def initial_state(self, batch_size):
        return OwnState()

    def forward(self, x, state, start=None):
        return x, state


class TakesAnything(Own):
    def __init__(self, input_size, hidden_size, **options):
        super().__init__(input_size, hidden_size)
        self.options = options


@pytest.mark.parametrize(
    "name, kind, options",
    [
        ("frameconv", TemporalConv, {"stack_size": 4}),
        ("gru", GRU, {"num_layers": 1}),
        ("shm", SHM, {"state_size": 32, "num_calibrations": 128}),
        ("gtrxl", GTrXL, {"num_layers": 2, "num_heads": 4, "window": 64, "gate_bias": 2.0}),
        ("parallel_lmu", ParallelLMU, {"theta": 64, "channels": 16, "state_size": 16}),
        ("elman", Elman, {"num_layers": 1}),
        ("lstm", LSTM, {"num_layers": 1}),
        ("lmu", LMU, {"theta": 64, "memory_size": None, "learn_a": False, "learn_b": False}),
        ("framestack", Framestack, {"stack_size": 4}),
        ("indrnn", IndRNN, {"activation": "relu", "num_layers": 2}),
        ("mlp", MLP, {}),
        ("ffm", FFM, {"state_size": 32, "context_size": 4, "max_period": 1024}),
        ("minlstm", MinLSTM, {}),
        ("mingru", MinGRU, {}),
        ("s5", S5, {"state_size": None, "blocks": 8, "dt_min": 0.001, "dt_max": 0.1}),
        ("lru", LRU, {"state_size": None, "r_min": 0.9, "r_max": 1.0, "max_phase": math.tau}),
        ("tcn", TCN, {"window": 4, "num_levels": 4, "dropout": 0.0}),
        (
            "linear_attention",
            LinearAttention,
            {"S_aggregator": "sum", "Z_aggregator": "sum", "num_layers": 1},
        ),
        (
            "deep_linear_attention",
            DeepLinearAttention,
            {"S_aggregator": "sum", "Z_aggregator": "sum", "num_layers": 4},
        ),
        (
            "fwp",
            FastWeightProgrammer,
            {"aggregator": "sum", "sum_normalization": True, "num_layers": 1},
        ),
        (
            "deep_fwp",
            DeepFastWeightProgrammer,
            {"aggregator": "sum", "sum_normalization": True, "num_layers": 4},
        ),
        (
            "diffnc",
            DiffNC,
            {
                "num_hidden_layers": 1,
                "num_layers": 1,
                "read_heads": 4,
                "cell_size": 16,
                "nonlinearity": "tanh",
            },
        ),
        ("s4d", S4D, {"dt_min": 0.001, "dt_max": 0.1}),
    ],
)
def test_a_name_gives_its_memory_with_its_options(name, kind, options):
    memory = make_memory(name, 3, 8, **options)
    assert type(memory) is kind
    assert (memory.input_size, memory.output_size) == (3, 8)
    assert memory_options(kind) == {**LAYER_OPTIONS, **options}


def test_an_option_reaches_the_memory():
    assert make_memory("frameconv", 3, 8, stack_size=9).stack_size == 9


@pytest.mark.parametrize("name", MEMORIES)
def test_every_memory_says_what_it_is_and_where_it_is_from(name):
    first_line = MEMORIES[name].__doc__.splitlines()[0]
    assert first_line.endswith(".") or ":" in first_line
    assert MEMORIES[name].source


def test_module_and_class_find_a_memory_of_ones_own():
    memory = make_memory(f"{__name__}:Own", 3, 3, depth=5)
    assert isinstance(memory, Own)
    assert memory.depth == 5


def test_a_memory_that_takes_any_option_gets_it():
    assert make_memory(f"{__name__}:TakesAnything", 3, 3, depht=5).options == {"depht": 5}


@pytest.mark.parametrize(
    "name, message",
    [
        ("frameconf", "no memory is called 'frameconf'; did you mean 'frameconv'?"),
        ("GRU", "no memory is called 'GRU'; did you mean 'gru'?"),
        ("xyzzy", f"called 'xyzzy'; allowed: {', '.join(MEMORIES)}, or 'module:Class'"),
        ("no_such_module:Own", "cannot import module 'no_such_module'"),
        ("popgym.memory:GRUU", "popgym.memory has no 'GRUU'; did you mean 'GRU'?"),
        (":Own", "must be 'module:Class'"),
        ("popgym.memory:", "must be 'module:Class'"),
        ("..memory:Own", "must be 'module:Class'"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name, message):
    with pytest.raises(ValueError) as caught:
        make_memory(name, 3, 8)
    assert message in str(caught.value)


def test_an_unknown_option_is_refused_with_the_nearest_and_the_list():
    with pytest.raises(ValueError, match=r"did you mean 'stack_size'\?; it has stack_size"):
        make_memory("frameconv", 3, 8, stack_sise=8)
    message = r"'mlp' has no option 'num_layer'; did you mean 'num_layers'\?; it has num_layers,"
    with pytest.raises(ValueError, match=message):
        make_memory("mlp", 3, 8, num_layer=2)


@pytest.mark.parametrize("name", ["collections:OrderedDict", "popgym.memory:make_memory"])
def test_what_is_no_memory_is_refused(name):
    with pytest.raises(TypeError, match=r"must be a subclass of popgym\.memory\.Memory"):
        find_memory(name)


def test_a_name_that_is_no_string_is_refused():
    with pytest.raises(TypeError, match="the name of a memory must be a string, got 3"):
        find_memory(3)
