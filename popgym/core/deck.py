"""Decks of cards dealt to players, for environments in plain Python; the interface of POPGym 1.

Popgym's own environments do not deal from it: they show themselves as decks where POPGym 1
did, `env.deck`, in copies.
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
    """More cards were to be dealt than there are."""


class Deck:
    """Cards in an order, and the hands of players. Cards are dealt from the order's end.

    Args:
        num_decks: How many decks of 52 cards lie one after the other.
        shuffle: Whether to shuffle them with numpy's global random numbers.
    """

    idx: np.ndarray
    """The cards in order, [num_cards]; those dealt stay there, beyond the deck's length."""
    ranks_idx: np.ndarray
    """The rank of each card, [num_cards]; so are `suits_idx` and `colors_idx`, and as letters
    `ranks`, `suits` and `colors`."""
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
        """A deck in a given order, of which some cards are dealt.

        Args:
            idx: The order, [num_cards].
            length: How many cards are not dealt.
            **hands: The players' cards.
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
        """A copy that shares nothing with this deck."""
        return copy.deepcopy(self)

    def reset(self, shuffle: bool = True, rng: Any = None) -> None:
        """Takes all cards back.

        Args:
            shuffle: Whether to put them in a random order; else it stays as it is.
            rng: A numpy generator; None: numpy's global random numbers.
        """
        for hand in self.hands.values():
            hand.clear()
        self.deck_len = self.num_cards
        if shuffle:
            self.idx = np.arange(self.num_cards)
            (np.random if rng is None else rng).shuffle(self.idx)

    def add_players(self, *players: Any) -> None:
        """Gives players empty hands."""
        self.hands.update({player: [] for player in players})

    def deal(self, player: Any, num_cards: int = 1) -> None:
        """Deals the last cards of the deck to a player.

        Raises:
            DeckEmptyError: There are not so many.
        """
        left = self.deck_len - num_cards
        if left < 0:
            raise DeckEmptyError(f"{num_cards} cards cannot be dealt: {self.deck_len} are left")
        self.hands[player] += self.idx[left : self.deck_len].tolist()
        self.deck_len = left

    def discard(self, player: Any, hand_idx: int) -> None:
        """Removes the card at a place of a player's hand from the game."""
        self.hands[player].pop(hand_idx)

    def discard_hands(self, *players: Any) -> None:
        """Removes the hands of players from the game; `reset` takes the cards back."""
        for player in players:
            self.hands[player].clear()

    def discard_all(self) -> None:
        """Removes the hands of all players from the game."""
        self.discard_hands(*self.hands)

    def hand_size(self, player: Any) -> int:
        """How many cards a player holds."""
        return len(self.hands[player])

    def show(
        self,
        player: Any,
        fields: Sequence[str] = ("colors", "suits", "ranks"),
        pad_to: int | None = None,
    ) -> np.ndarray:
        """What is to be seen of a player's cards.

        Args:
            player: The player.
            fields: Among `FIELDS`.
            pad_to: To how many cards to fill up with card 0.

        Returns:
            [fields, cards].

        Raises:
            ValueError: There is no such field.
        """
        hand = self.hands[player]
        cards = np.array(hand + [0] * ((pad_to or 0) - len(hand)), np.int64)
        return np.stack([self.field(field, cards) for field in fields])

    def field(self, field: str, cards: Any) -> np.ndarray:
        """A field of some cards; see `show`."""
        if field not in FIELDS:
            raise ValueError(f"fields must be among {FIELDS}, got {field!r}")
        return np.array(cards) if field == "idx" else getattr(self, field)[cards]

    def define_hand_value(self, fn: Callable[..., Any], fields: Sequence[str]) -> None:
        """Sets the function that `value` calls with these fields of the cards."""
        self.value_fn, self.value_fn_args = fn, fields

    def value(self, player: Any) -> Any:
        """The value of a player's hand; see `define_hand_value`."""
        return self.value_idx(self.hands[player])

    def value_idx(self, idx: Sequence[int]) -> Any:
        """The value of some cards; see `define_hand_value`.

        Raises:
            ValueError: No function was set.
        """
        if self.value_fn is None:
            raise ValueError("a hand has no value yet: call define_hand_value first")
        return self.value_fn(*[self.field(field, idx) for field in self.value_fn_args])

    def get_obs_space(
        self, fields: Sequence[str] = ("colors", "suits", "ranks"), hand_size: int = 1
    ) -> Discrete | MultiDiscrete:
        """The space of these fields of some cards."""
        counts = np.tile([len(NAMES[field]) for field in fields], hand_size)
        return Discrete(int(counts[0])) if len(counts) == 1 else MultiDiscrete(counts)
