"""What the tables say of memories is what one counts by hand."""

from typing import NamedTuple

import pytest
import torch

from popgym.memory import MEMORIES, Memory, make_memory
from popgym.memory.overview import count_flops, overview, table

F, D = 128, 256


class FactoredState(NamedTuple):
    pass


class Factored(Memory):
    """A linear map whose weights are a product."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.left = torch.nn.Parameter(torch.randn(input_size, 2))
        self.right = torch.nn.Parameter(torch.randn(2, hidden_size))

    def initial_state(self, batch_size):
        return FactoredState()

    def forward(self, x, state, start=None):
        return x @ (self.left @ self.right), state


def test_every_memory_has_a_row():
    rows = table()
    assert [row["name"] for row in rows] == list(MEMORIES)
    assert all(list(row) == list(rows[0]) for row in rows)


def test_a_row_holds_the_memorys_numbers():
    rows = {row["name"]: row for row in table(input_size=3, hidden_size=5)}
    assert rows["gru"] == {
        "name": "gru",
        "receptive field": "no limit",
        "state": "5",
        "parameters": "150",  # 3 gates · 5 units · (3 inputs + 5 states + 2 biases)
        "Mflop": "0.000240",  # 2 · 3 · 5 · (3 + 5)
        "source": "Cho et al. 2014",
    }
    assert rows["mlp"]["receptive field"] == "1 step"
    assert rows["mlp"]["source"] == "no memory: the control"


@pytest.mark.parametrize(
    ("name", "options", "products"),
    [
        ("mlp", {}, F * D + D * D),
        ("frameconv", {"stack_size": 5}, 5 * F * D),
        ("elman", {}, F * D + D * D),  # a product in place
        ("gru", {}, 3 * (F * D + D * D)),
        ("lstm", {}, 4 * (F * D + D * D)),
        ("lstm", {"num_layers": 2}, 4 * (F * D + 3 * D * D)),
        ("mingru", {}, 2 * F * D),
        ("lru", {"state_size": 8}, 2 * 8 * F + 2 * 8 * D + F * D),
        ("linear_attention", {}, 4 * F * 15 + 15 * 16 + 15 * 16 + 2 * 15 * 15 + 15 * D),
    ],
)
def test_products_are_counted_as_by_hand(name, options, products):
    assert overview(make_memory(name, F, D, **options)).flops == 2 * products


def test_products_are_counted_each_time_they_are_computed():
    a, b = torch.randn(6, 4), torch.randn(4, 5)
    assert count_flops(lambda: (a @ b, a @ b)) == 2 * (2 * 6 * 4 * 5)
    assert count_flops(lambda: a + a) == 0


def test_what_is_computed_from_the_parameters_alone_is_shared_by_the_rows():
    memory = Factored(8, 8)
    shared, own = 2 * 8 * 2 * 8, 2 * 8 * 8
    assert overview(memory).flops == shared / 64 + own


def test_counting_leaves_onednn_as_it_was():
    before = torch.backends.mkldnn.enabled
    count_flops(lambda: None)
    assert torch.backends.mkldnn.enabled == before


def test_the_state_is_told_field_by_field():
    seen = overview(make_memory("frameconv", 6, 5, stack_size=4))
    assert seen.state == {"frames": [3, 6]}
    assert (seen.state_numel, seen.receptive_field, seen.receptive_field_shown) == (
        18,
        4,
        "4 steps",
    )


def test_a_memory_in_double_precision_can_be_looked_at():
    assert overview(make_memory("gru", 3, 5).double()).flops == 240
