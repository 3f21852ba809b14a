"""Memories under torch.export: what docs/write_a_memory.md says of each."""

import re
from pathlib import Path

import pytest
import torch

from popgym.memory import MEMORIES, make_memory

B, T, F, D = 2, 2, 6, 10
PAGE = Path(__file__).parents[2] / "docs" / "write_a_memory.md"


def assert_exports(name, steps, starts):
    """Export a memory and compare the program with it, on other numbers than it was made with."""
    torch.manual_seed(0)
    memory = make_memory(name, F, D).eval()
    state, start = memory.initial_state(B), torch.zeros(B, steps, dtype=torch.bool)
    start = start if starts else None
    program = torch.export.export(memory, (torch.randn(B, steps, F), state, start)).module()
    with torch.no_grad():
        _, state = memory(torch.randn(B, T, F), state)
    x, start = torch.randn(B, steps, F), None if start is None else torch.rand(B, steps) < 0.5
    y, after = program(x, state, start)
    expected, expected_after = memory(x, state, start)
    torch.testing.assert_close([y, *after], [expected, *expected_after])


@pytest.mark.parametrize("name", MEMORIES)
def test_a_step_with_a_start_mask_is_exported(name):
    assert_exports(name, steps=1, starts=True)


@pytest.mark.parametrize("name", MEMORIES)
def test_a_sequence_without_a_start_mask_is_exported(name):
    assert_exports(name, steps=T, starts=False)


def listed():
    """The memories of which the page says that a sequence with a start mask is exported."""
    (row,) = re.findall(r"^\| a sequence with `start` \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    return row.split(", ")


@pytest.mark.parametrize("name", listed())
def test_a_sequence_with_a_start_mask_is_exported(name):
    assert_exports(name, steps=T, starts=True)


@pytest.mark.parametrize("name", sorted(MEMORIES.keys() - {*listed()}))
def test_no_other_sequence_with_a_start_mask_is(name):
    with pytest.raises(Exception, match="data-dependent"):
        assert_exports(name, steps=T, starts=True)
