"""POPGym 1's interface to decks of cards and players' hands, for environments in plain Python.

Popgym's own environments do not use these decks internally. Where an environment of POPGym 1 had
an attribute ``env.deck``, they build a ``Deck`` that shows a copy of their cards.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete

from popgym.core.cards import DECK_SIZE, kinds_of

RANKS = np.array(["a", "2", "3", "4", "5", "6", "7", "8", "9", "10", "j", "q", "k"])
SUITS = np.array(["s", "d", "c", "h"])
COLORS = np.array(["b", "r"])
NAMES = {"ranks": RANKS, "suits": SUITS, "colors": COLORS}
FIELDS = ("idx", "ranks", "suits", "colors", "ranks_idx", "suits_idx", "colors_idx")


class DeckEmptyError(Exception):
    """Error raised if a deck has fewer cards than are to be dealt."""


class Deck:
    """A pile of cards and the hands of players; cards are dealt from the end of the pile.

    Args:
        num_decks: The number of decks of 52 cards in the pile.
        shuffle: Whether to shuffle the pile, with numpy's global random generator.
    """

    idx: np.ndarray
    """The cards in order, [num_cards]. Dealt cards stay in it, from index ``len(deck)`` on."""
    ranks_idx: np.ndarray
    """The rank of each card number, [num_cards]. ``suits_idx`` and ``colors_idx`` are its suit and
    colour; ``ranks``, ``suits`` and ``colors`` are the same as letters."""
    suits_idx: np.ndarray
    colors_idx: np.ndarray
    ranks: np.ndarray
    suits: np.ndarray
    colors: np.ndarray

    def __init__(self, num_decks: int = 1, shuffle: bool = False) -> None:
        self.num_decks, self.num_cards = num_decks, DECK_SIZE * num_decks
        for name, letters in NAMES.items():
            kinds = kinds_of(np.arange(self.num_cards), len(letters))
            setattr(self, f"{name}_idx", kinds)
            setattr(self, name, letters[kinds])
        self.hands: dict[Any, list[int]] = {}
        self.value_fn: Callable[..., Any] | None = None
        self.value_fn_args: Sequence[str] = ()
        self.idx = np.arange(self.num_cards)
        self.reset(shuffle)

    @classmethod
    def of(cls, idx: np.ndarray, length: int, **hands: Any) -> "Deck":
        """Return a deck in a given order, of which some cards have been dealt.

        Args:
            idx: The cards in order, [num_cards].
            length: The number of cards that have not been dealt.
            **hands: The cards of each player.
        """
        deck = cls(len(idx) // DECK_SIZE)
        deck.idx, deck.deck_len = np.array(idx, np.int64), int(length)
        deck.hands = {player: np.asarray(hand).tolist() for player, hand in hands.items()}
        return deck

    def __len__(self) -> int:
        return self.deck_len

    def __getitem__(self, player: Any) -> list[int]:
        return self.hands[player]

    def clone(self) -> "Deck":
        """Return a deep copy of the deck."""
        return copy.deepcopy(self)

    def reset(self, shuffle: bool = True, rng: Any = None) -> None:
        """Take all cards back.

        Args:
            shuffle: Whether to put them in a random order; otherwise the order does not change.
            rng: A numpy generator. None: numpy's global random generator.
        """
        for hand in self.hands.values():
            hand.clear()
        self.deck_len = self.num_cards
        if shuffle:
            self.idx = np.arange(self.num_cards)
            (np.random if rng is None else rng).shuffle(self.idx)

    def add_players(self, *players: Any) -> None:
        """Add players with empty hands."""
        self.hands.update({player: [] for player in players})

    def deal(self, player: Any, num_cards: int = 1) -> None:
        """Deal the last cards of the deck to a player.

        Raises:
            DeckEmptyError: If the deck has fewer cards.
        """
        left = self.deck_len - num_cards
        if left < 0:
            raise DeckEmptyError(f"{num_cards} cards cannot be dealt: {self.deck_len} are left")
        self.hands[player] += self.idx[left : self.deck_len].tolist()
        self.deck_len = left

    def discard(self, player: Any, hand_idx: int) -> None:
        """Remove the card at index ``hand_idx`` of a player's hand from the game."""
        self.hands[player].pop(hand_idx)

    def discard_hands(self, *players: Any) -> None:
        """Remove the hands of players from the game; ``reset`` takes the cards back."""
        for player in players:
            self.hands[player].clear()

    def discard_all(self) -> None:
        """Remove the hands of all players from the game."""
        self.discard_hands(*self.hands)

    def hand_size(self, player: Any) -> int:
        """Return the number of cards in a player's hand."""
        return len(self.hands[player])

    def show(
        self,
        player: Any,
        fields: Sequence[str] = ("colors", "suits", "ranks"),
        pad_to: int | None = None,
    ) -> np.ndarray:
        """Return the given fields of a player's cards.

        Args:
            player: The player.
            fields: Names from ``FIELDS``.
            pad_to: The number of cards up to which the hand is padded with card 0. None: no
                padding.

        Returns:
            The fields, [fields, cards].

        Raises:
            ValueError: If a field is unknown.
        """
        hand = self.hands[player]
        cards = np.array(hand + [0] * ((pad_to or 0) - len(hand)), np.int64)
        return np.stack([self.field(field, cards) for field in fields])

    def field(self, field: str, cards: Any) -> np.ndarray:
        """Return one field of some cards; see ``show``."""
        if field not in FIELDS:
            raise ValueError(f"fields must be among {FIELDS}, got {field!r}")
        return np.array(cards) if field == "idx" else getattr(self, field)[cards]

    def define_hand_value(self, fn: Callable[..., Any], fields: Sequence[str]) -> None:
        """Set the function that ``value`` calls with these fields of the cards."""
        self.value_fn, self.value_fn_args = fn, fields

    def value(self, player: Any) -> Any:
        """Return the value of a player's hand; see ``define_hand_value``."""
        return self.value_idx(self.hands[player])

    def value_idx(self, idx: Sequence[int]) -> Any:
        """Return the value of some cards; see ``define_hand_value``.

        Raises:
            ValueError: If no function has been set.
        """
        if self.value_fn is None:
            raise ValueError("no function for a hand's value is set: call define_hand_value first")
        return self.value_fn(*[self.field(field, idx) for field in self.value_fn_args])

    def get_obs_space(
        self, fields: Sequence[str] = ("colors", "suits", "ranks"), hand_size: int = 1
    ) -> Discrete | MultiDiscrete:
        """Return the space of these fields of ``hand_size`` cards."""
        counts = np.tile([len(NAMES[field]) for field in fields], hand_size)
        return Discrete(int(counts[0])) if len(counts) == 1 else MultiDiscrete(counts)
