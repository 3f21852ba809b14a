"""Cards are numbers, and a deck is an array of them.

Card c has suit c mod 4, colour c mod 2 and rank (c div 4) mod 13, in POPGym's order:
spades, diamonds, clubs, hearts; ace to king. Several decks are one after the other.
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
"""By what cards are told apart → the names of the kinds of cards there are."""


@rule
def shuffle_deck(s: Record, deck: Any) -> None:
    """Fills a deck with its cards, in an order drawn uniformly."""
    for i in range(len(deck)):
        deck[i] = i
    shuffle(s, deck)


@rule
def suit(card: int) -> Any:
    """Spades, diamonds, clubs, hearts: 0 to 3."""
    return card % 4


@rule
def color(card: int) -> Any:
    """Black or red: 0 or 1."""
    return card % 2


@rule
def rank(card: int) -> Any:
    """Ace to king: 0 to 12."""
    return card // 4 % 13


@rule
def kind(card: int, kinds: int) -> Any:
    """The colour, suit or rank of a card, as there are 2, 4 or 13 kinds of cards."""
    return card // 4 % 13 if kinds == 13 else card % kinds


def kinds_of(cards: np.ndarray, kinds: int) -> np.ndarray:
    """The kinds of an array of cards; see `kind`."""
    cards = cards.astype(np.int64)
    return cards // 4 % 13 if kinds == 13 else cards % kinds


def shares_dealt(dealt: np.ndarray, shown: np.ndarray, kinds: int) -> np.ndarray:
    """How much of each kind of cards has been dealt.

    Args:
        dealt: The kinds of cards in the order in which they are dealt, [n, cards].
        shown: How many have been dealt, [n].
        kinds: How many kinds there are, equally many cards of each.

    Returns:
        Shares from 0 to 1, [n, kinds] float64.
    """
    seen = np.arange(dealt.shape[1]) < shown[:, None]
    counts = np.stack([((dealt == i) & seen).sum(axis=1) for i in range(kinds)], axis=1)
    return counts / (dealt.shape[1] / kinds)


def deck_field(num_cards: int) -> tuple[np.dtype, tuple[int]]:
    """A record's field for a deck: the smallest type that holds its cards, and its shape."""
    return np.min_scalar_type(num_cards - 1), (num_cards,)
