"""Every memory that ships obeys every law."""

import pytest

from popgym.memory import MEMORIES, make_memory
from popgym.testing import LAWS

VARIANTS = [
    ("frameconv", {}),
    ("frameconv", {"stack_size": 1}),
    ("frameconv", {"stack_size": 9}),
    ("frameconv", {"stack_size": 50}),  # a window longer than the row
    ("framestack", {}),
    ("framestack", {"stack_size": 1}),
    ("framestack", {"stack_size": 50}),
    ("gru", {}),
    ("gru", {"num_layers": 2}),
    ("indrnn", {}),
    ("indrnn", {"activation": "tanh", "num_layers": 1}),
    ("elman", {}),
    ("elman", {"num_layers": 2}),
    ("lstm", {}),
    ("lstm", {"num_layers": 2}),
    ("lmu", {}),
    ("lmu", {"theta": 5, "memory_size": 4, "learn_a": True, "learn_b": True}),
    ("mlp", {}),
    ("linear_attention", {"hidden_size": 40}),
    ("linear_attention", {"S_aggregator": "max", "Z_aggregator": "max"}),
    ("linear_attention", {"S_aggregator": "max"}),
    ("deep_linear_attention", {"hidden_size": 64}),
    ("fwp", {"hidden_size": 40}),
    ("fwp", {"aggregator": "max", "sum_normalization": False}),
    ("deep_fwp", {"hidden_size": 64}),
    ("diffnc", {}),
    ("diffnc", {"cell_size": 3, "read_heads": 2, "num_hidden_layers": 2}),
    ("s4d", {}),
    ("s4d", {"hidden_size": 40}),
    ("delta_net", {}),
    ("delta_net", {"hidden_size": 64, "num_layers": 3}),
    ("mlstm", {}),
    ("mlstm", {"num_heads": 1, "key_size": 3}),
    ("slstm", {}),
    ("slstm", {"num_heads": 5}),
    ("mamba", {}),
    ("mamba", {"expand": 1, "state_size": 1, "window": 1}),
    ("xlstm", {}),
    ("gated_delta_net", {}),
    ("gated_delta_net", {"num_heads": 1, "key_size": 3, "window": 1}),
    ("tcn", {}),
    ("tcn", {"window": 3, "num_levels": 2, "dropout": 0.5}),
    ("tcn", {"window": 1, "num_levels": 1}),
    ("lru", {}),
    ("lru", {"state_size": 1, "r_min": 0.0}),
    ("s5", {}),
    ("s5", {"state_size": 6, "blocks": 2, "dt_max": 1.0}),
    ("mingru", {}),
    ("minlstm", {}),
    ("ffm", {}),
    ("ffm", {"state_size": 3, "context_size": 1, "max_period": 10}),
    ("parallel_lmu", {}),
    ("parallel_lmu", {"theta": 5, "channels": 1, "state_size": 4}),
    ("gtrxl", {}),
    ("gtrxl", {"num_layers": 1, "num_heads": 3, "window": 1}),
    ("gtrxl", {"window": 5, "hidden_size": 8}),
    ("shm", {}),
    ("shm", {"state_size": 3, "num_calibrations": 7}),
]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name, options", VARIANTS)
def test_it_obeys(name, options, law):
    options = {"hidden_size": 10, **options}
    LAWS[law](lambda: make_memory(name, 6, **options))


def test_every_memory_is_tested():
    assert {name for name, _ in VARIANTS} == set(MEMORIES)
