"""Tables and pages show parts of docstrings."""

import re
from typing import NamedTuple

import pytest

from popgym.memory import GRU, MEMORIES, TCN, DeepLinearAttention, LinearAttention, Memory, Source
from popgym.memory.describe import (
    exposition,
    file_docstring,
    option_meanings,
    parse_docstring,
    shown,
    summary,
)
from popgym.memory.registry import own_options


class SilentState(NamedTuple):
    pass


class Silent(Memory):
    def initial_state(self, batch_size):
        return SilentState()

    def forward(self, x, state, start=None):
        return x, state


@pytest.mark.parametrize(
    ("authors", "short"),
    [
        ("Elman", "Elman 1990"),
        ("Cho et al.", "Cho et al. 1990"),
        ("A and B", "A and B 1990"),
        ("A, B and C", "A et al. 1990"),
    ],
)
def test_a_source_is_cited_in_short_and_in_full(authors, short):
    source = Source(authors, "One, Two and Three", 1990, "https://x.y")
    assert source.short == short
    assert str(source) == f"{authors}, One, Two and Three, 1990, https://x.y"


@pytest.mark.parametrize("name", [name for name in MEMORIES if name != "mlp"])
def test_every_memory_can_be_cited_in_short(name):
    assert re.fullmatch(
        r"[^\W\d]+( et al\.| and [^\W\d]+)? (19|20)\d\d", MEMORIES[name].source.short
    )


@pytest.mark.parametrize("name", MEMORIES)
def test_every_option_of_every_memory_is_explained(name):
    assert own_options(MEMORIES[name]).keys() <= option_meanings(MEMORIES[name]).keys()


@pytest.mark.parametrize("name", [name for name in MEMORIES if name != "mlp"])
def test_every_memory_is_introduced_by_a_formula(name):
    first, formula, *_ = exposition(MEMORIES[name]).split("\n\n    ")
    assert first[0] != " "
    assert "=" in formula


def test_the_exposition_ends_with_the_formula_and_its_letters():
    told = exposition(GRU)
    assert told.startswith("The gated recurrent unit.\n\nTwo gates decide")
    assert "\n\n    r = σ(" in told and "hₜ = (1 − z) ⊙ n + z ⊙ hₜ₋₁\n\nwhere r is" in told
    assert told.endswith("⊙ the elementwise product.")
    told = exposition(TCN)
    assert told.startswith("The temporal convolutional network")
    assert "\n\nOn level l" in told and "\n\nwhere P is the identity" in told
    assert "Bai, Kolter" not in told and "Bai, Kolter" in file_docstring(TCN)


def test_a_class_is_summed_up_without_its_arguments():
    assert summary(GRU) == "A gated recurrent unit with one or more layers."
    assert summary(LinearAttention).endswith("features, at least one.")
    assert summary(Silent) == ""


def test_a_subclass_means_by_an_option_what_its_parent_means():
    meanings = option_meanings(DeepLinearAttention)
    assert meanings["num_layers"] == "Number of blocks."
    assert meanings["Z_aggregator"] == (
        'How the keys are combined over the steps for the denominator, ``"sum"`` or ``"max"``.'
    )


def test_a_docstring_is_split_into_its_text_and_its_arguments():
    """The docstring is that of a function, so it is indented."""
    text, arguments = parse_docstring(
        """Return a thing.

        Args:
            wide: Very,
                or less: 1: 2.

            late:
                A meaning on its own line.
            deep

        Returns:
            other: No argument.

        Raises:
            ValueError: If it is odd.

        Source: a paper.

            y = x
        """
    )
    assert text == "Return a thing.\n\nSource: a paper.\n\n    y = x"
    assert arguments == {"wide": "Very, or less: 1: 2.", "late": "A meaning on its own line."}


@pytest.mark.parametrize("docstring", [None, "", "Args:", "\nArgs:\n        odd"])
def test_a_docstring_may_be_empty(docstring):
    assert parse_docstring(docstring) == ("", {})


def test_arguments_without_a_meaning_are_passed_over():
    text = "Own.\n\nArgs:\n    deep\n    wide: very,\n        or less.\n\nRaises:\n    Odd: no."
    kind = type("Own", (Silent,), {"__doc__": text})
    assert option_meanings(kind) == {"wide": "very, or less."}
    assert summary(kind) == "Own."


def test_defaults_are_shown_as_one_writes_them():
    assert [shown(value) for value in (4, "sum", None, 0.001, 6.283185307)] == [
        "4", "'sum'", "None", "0.001", "6.283",
    ]  # fmt: skip
