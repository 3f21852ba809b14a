"""Cards, rows and piles of them, as pictures of card games are put together."""

import numpy as np
import pytest

from popgym.core.cards import COLORS, RANKS, SUITS
from popgym.envs.pictures.cards import SIZE, covered, kinds, listing, since, spread, symbol
from popgym.render.canvas import Canvas
from popgym.render.palette import INK, PAPER, PURPLE, RED


def drawn(paint, *args, size=SIZE):
    canvas = Canvas(*size)
    paint(canvas, *args)
    return canvas.array()


def has(array, color):
    return (array == color).all(axis=2).any()


@pytest.mark.parametrize("name", [*SUITS, *COLORS, *RANKS])
@pytest.mark.parametrize("size", [12, 26, 100])
def test_a_sign_is_as_large_as_asked_for_around_its_place(name, size):
    marks = (drawn(symbol, 100, 100, size, name, size=(200, 200)) != PAPER).any(axis=2)
    ys, xs = np.nonzero(marks)
    for across in (xs, ys):
        assert abs(across + 0.5 - 100).max() <= 0.55 * size + 1
    assert 0.5 * size < np.ptp(ys) + 1


@pytest.mark.parametrize("names", [SUITS, COLORS, RANKS])
def test_the_signs_of_different_kinds_differ(names):
    pictures = {drawn(symbol, 20, 20, 16, name, size=(40, 40)).tobytes() for name in names}
    assert len(pictures) == len(names)


@pytest.mark.parametrize("names", [SUITS, COLORS])
def test_signs_have_their_cards_colours(names):
    for i, name in enumerate(names):
        array = drawn(symbol, 50, 50, 60, name, size=(100, 100))
        assert [has(array, INK), has(array, RED)] == [i % 2 == 0, i % 2 == 1]


def test_a_covered_card_shows_its_face_only_to_reveal_it():
    spade, heart = (drawn(covered, 99, 99, 90, name, False, "?") for name in "♠♥")
    np.testing.assert_array_equal(spade, heart)
    spade, heart = (drawn(covered, 99, 99, 90, name, True, "?") for name in "♠♥")
    assert has(spade, PURPLE) and has(heart, PURPLE) and has(heart, RED) and not has(spade, RED)


def test_a_long_row_keeps_its_ends_and_counts_what_it_leaves_out(monkeypatch):
    written = []
    monkeypatch.setattr(Canvas, "text", lambda canvas, x, y, string, *rest: written.append(string))
    since(Canvas(*SIZE), ["♠"] * 64, "63 before")
    assert [string for string in written if string] == ["?", "63 before", "…", "60 cards", "now"]
    written.clear()
    since(Canvas(*SIZE), ["♠"] * 6, None)
    assert [string for string in written if string] == ["now"]


def test_a_row_reveals_the_card_asked_about():
    rows = [drawn(since, [first, "♣", "♣"], "2 before", True) for first in "♠♥"]
    assert (rows[0] != rows[1]).any()


@pytest.mark.parametrize("of", [52, 832])
def test_a_pile_of_any_size_stays_inside_the_margins(of):
    for count, top in ((1, "♥"), (of, None), (of, "♥")):
        array = drawn(spread, count, of, top)
        assert (array[:, :20] == PAPER).all() and (array[:, -20:] == PAPER).all()
    assert (drawn(spread, of, of, "♥") != drawn(spread, of - 1, of, "♥")).any()


def test_of_a_pile_too_large_to_list_the_cards_that_come_last_are_listed():
    names = ["♠"] * 200
    same, other = ["♥"] * 44 + names[44:], [*names[:-1], "♥"]
    np.testing.assert_array_equal(drawn(listing, names), drawn(listing, same))
    assert (drawn(listing, names) != drawn(listing, other)).any()


def test_counts_are_shown_only_when_given():
    without = drawn(kinds, SUITS, "♣")
    assert not has(without, PURPLE)
    counts = [drawn(kinds, SUITS, "♣", [1, 0, n, 2]) for n in (3, 4)]
    assert has(counts[0], PURPLE) and (counts[0] != counts[1]).any()
