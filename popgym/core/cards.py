"""Playing cards as numbers, and decks as arrays of these numbers.

Card c has suit c mod 4, colour c mod 2 and rank (c div 4) mod 13. The order is that of POPGym:
spades, diamonds, clubs, hearts, and ace to king. The cards of a second deck have the numbers from
52 on, and so on.
"""

from typing import Any

import numpy as np

from popgym.core.random import shuffle
from popgym.core.rules import Record, rule

DECK_SIZE = 52
SUITS = "♠♦♣♥"
SUIT_NAMES = ("spades", "diamonds", "clubs", "hearts")
SUIT_KEYS = "0 ♠ 1 ♦ 2 ♣ 3 ♥"
COLORS = ("black", "red")
RANKS = ("A", "2", "3", "4", "5", "6", "7", "8", "9", "10", "J", "Q", "K")

KINDS = {"colors": COLORS, "suits": tuple(SUITS), "ranks": RANKS}
"""The property that distinguishes cards → the names of its values."""


@rule
def shuffle_deck(s: Record, deck: Any) -> None:
    """Fill a deck with its cards, in a uniformly random order."""
    for i in range(len(deck)):
        deck[i] = i
    shuffle(s, deck)


@rule
def suit(card: int) -> Any:
    """Return the suit of a card, 0 to 3: spades, diamonds, clubs, hearts."""
    return card % 4


@rule
def color(card: int) -> Any:
    """Return the colour of a card: 0 for black, 1 for red."""
    return card % 2


@rule
def rank(card: int) -> Any:
    """Return the rank of a card, 0 (ace) to 12 (king)."""
    return card // 4 % 13


@rule
def kind(card: int, kinds: int) -> Any:
    """Return the colour, suit or rank of a card, where ``kinds`` is 2, 4 or 13."""
    return card // 4 % 13 if kinds == 13 else card % kinds


def kinds_of(cards: np.ndarray, kinds: int) -> np.ndarray:
    """Return the kind of each card of an array; see ``kind``."""
    cards = cards.astype(np.int64)
    return cards // 4 % 13 if kinds == 13 else cards % kinds


def shares_dealt(dealt: np.ndarray, shown: np.ndarray, kinds: int) -> np.ndarray:
    """Return the fraction of the cards of each kind that has been dealt.

    Args:
        dealt: The kinds of the cards in the order of dealing, [n, cards].
        shown: The number of cards dealt so far, [n].
        kinds: The number of kinds; each has the same number of cards.

    Returns:
        Fractions from 0 to 1, [n, kinds] float64.
    """
    seen = np.arange(dealt.shape[1]) < shown[:, None]
    counts = np.stack([((dealt == i) & seen).sum(axis=1) for i in range(kinds)], axis=1)
    return counts / (dealt.shape[1] / kinds)


def deck_field(num_cards: int) -> tuple[np.dtype, tuple[int]]:
    """Return the smallest type that holds the cards of a deck, and the deck's shape."""
    return np.min_scalar_type(num_cards - 1), (num_cards,)
