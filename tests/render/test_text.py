import io
import os

import pytest

from popgym.render.text import columns_of, refilled, wrapped


def test_lines_are_broken_between_words():
    assert wrapped("one two three\nfour", 8) == "one two\nthree\nfour"


def test_lines_that_fit_and_lines_without_a_width_stay_as_they_are():
    text = "one  two   three\n    four"
    assert wrapped(text, 16) == wrapped(text, None) == text


def test_continuations_are_indented_as_their_line():
    assert wrapped("  one two three", 11) == "  one two\n  three"


def test_what_three_spaces_set_apart_stays_together():
    keys = "a left   d right   q quit now"
    assert wrapped(keys, 18) == "a left   d right\nq quit now"
    assert wrapped(keys, 8) == "a left\nd right\nq quit\nnow"  # which does not fit


@pytest.mark.parametrize("word", ["runs/a-very-long/path", "popgym-RepeatPrevious-v0"])
def test_no_word_is_broken(word):
    assert wrapped(f"see {word} there", 10) == f"see\n{word}\nthere"


def test_paragraphs_are_filled_anew_and_formulas_stay():
    assert refilled("one two\nthree four\n\n    y = a\n    z = b", 11) == (
        "one two\nthree four\n\n    y = a\n    z = b"
    )
    assert refilled("one two\nthree", 20) == "one two three"
    assert refilled("one two\nthree", None) == "one two\nthree"


def test_only_a_terminal_has_a_width(tmp_path):
    assert columns_of(io.StringIO()) is None
    with open(tmp_path / "file", "w") as file:
        assert columns_of(file) is None
    assert columns_of(file) is None  # closed


def test_a_terminal_that_does_not_know_its_width_is_taken_to_be_usual():
    hand, terminal = os.openpty()
    with open(terminal, "w", closefd=False) as screen:
        assert columns_of(screen) == 80
    os.close(hand)
    os.close(terminal)
