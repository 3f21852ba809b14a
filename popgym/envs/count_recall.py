"""Count how often a kind of card was dealt."""

from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Tuple

from popgym.core.arguments import one_of, whole_number
from popgym.core.cards import (
    DECK_SIZE,
    KINDS,
    deck_field,
    kind,
    kinds_of,
    shares_dealt,
    shuffle_deck,
)
from popgym.core.deck import Deck
from popgym.core.family import Family
from popgym.core.hidden import Permutation
from popgym.core.kernel import Rules
from popgym.core.rules import Record, rule
from popgym.envs.pictures.cards import CARD_Y, HEIGHT, SIZE, face, kinds, question, symbol
from popgym.envs.pictures.heading import progress
from popgym.render.canvas import Canvas
from popgym.render.palette import INK


@rule
def sample(s: Record, p: Record) -> None:
    """Shuffle the cards to deal and the cards to ask about."""
    shuffle_deck(s, s.value_deal_order)
    shuffle_deck(s, s.query_deal_order)


@rule
def deal(s: Record, p: Record) -> None:
    """Deal a card together with a question."""
    s.counts[kind(s.value_deal_order[s.shown], p.kinds)] += 1
    s.shown += 1


@rule
def reset(s: Record, p: Record) -> None:
    """Deal the first card."""
    s.shown = 0
    for i in range(len(s.counts)):
        s.counts[i] = 0
    deal(s, p)


@rule
def step(s: Record, p: Record, answer: int) -> Any:
    """Judge the answer and deal the next card."""
    asked = kind(s.query_deal_order[s.shown - 1], p.kinds)
    reward = p.reward if answer == s.counts[asked] else -p.reward
    deal(s, p)
    return reward, s.shown == len(s.value_deal_order), False


@rule
def observe(s: Record, p: Record, obs: Any) -> None:
    """Write the kind of the card dealt and the kind asked about."""
    obs[0] = kind(s.value_deal_order[s.shown - 1], p.kinds)
    obs[1] = kind(s.query_deal_order[s.shown - 1], p.kinds)


class CountRecallFamily(Family):
    """Each step deals a card and names a kind of cards; answer how many of it were dealt so far.

    The card just dealt counts. Each kind is asked about as often as it is dealt, in an independent
    random order. Every answer earns plus or minus 1 / (cards − 1). The argument ``error_clamp`` of
    POPGym 1.0.7, which had no effect, does not exist here.

    Args:
        num_decks: How many decks of 52 cards to play through.
        deck_type: What distinguishes cards: "colors", "suits" or "ranks".

    Reference players: the clock knows only the number of steps and answers with the likeliest
    count, which has a hypergeometric distribution. A player that counts earns 1.
    """

    rules = Rules(sample, reset, step, observe)
    presets: ClassVar = {
        "Easy": {"num_decks": 1, "deck_type": "colors"},
        "Medium": {"num_decks": 2, "deck_type": "suits"},
        "Hard": {"num_decks": 4, "deck_type": "ranks"},
    }
    picture_size = SIZE
    group = "DIAGNOSTIC"
    views: ClassVar = {
        "num_distinct_cards": lambda task, s: task.kinds,
        "max_card_count": lambda task, s: task.action_space.n - 1,
        "value_deck": lambda task, s: dealt(s["value_deal_order"], s["shown"]),
        "query_deck": lambda task, s: dealt(s["query_deal_order"], s["shown"]),
    }

    def __init__(self, num_decks: int = 1, deck_type: str = "colors") -> None:
        cards = DECK_SIZE * whole_number("num_decks", num_decks, 1)
        self.names = KINDS[one_of("deck_type", deck_type, KINDS)]
        self.kinds = len(self.names)
        shares = Box(0, 1, (self.kinds,))
        self.observation_space = MultiDiscrete([self.kinds] * 2)
        self.action_space = Discrete(cards // self.kinds + 1)
        self.state_space = Tuple((shares, shares, self.observation_space))
        self.max_episode_length = cards - 1
        self.return_bounds = (-1.0, 1.0)
        self.params = {"kinds": self.kinds, "reward": 1 / (cards - 1)}
        self.fields = {
            "value_deal_order": deck_field(cards),
            "query_deal_order": deck_field(cards),
            "shown": np.int32,
            "counts": (np.int32, (self.kinds,)),  # cards dealt of each kind
        }
        decks = ("value_deal_order", "query_deal_order")
        self.hidden = {deck: Permutation(cards) for deck in decks}

    def state(self, records: np.ndarray) -> Any:
        """Return the share dealt and the share asked of each kind, and the observation."""
        shown = records["shown"]
        decks = [kinds_of(records[key], self.kinds) for key in self.hidden]
        shares = [shares_dealt(deck, shown, self.kinds).astype(np.float32) for deck in decks]
        views = [deck[np.arange(len(deck)), np.maximum(shown - 1, 0)] for deck in decks]
        return (*shares, np.stack(views, axis=1))

    def draw(self, record: Record, reveal: bool = False) -> str:
        """Draw the card dealt and the question."""
        shown, cards = record["shown"], len(record["value_deal_order"])
        if not shown:
            return f"card 0 of {cards}"
        dealt, asked = (kinds_of(record[key][shown - 1], self.kinds) for key in self.hidden)
        answer = f"   {record['counts'][asked]}" if reveal else ""
        question = f"how many of {self.names[asked]} so far?{answer}"
        return f"card {shown} of {cards}: {self.names[dealt]}   {question}"

    def paint(self, canvas: Canvas, record: Record, reveal: bool = False) -> None:
        """Paint the card dealt, all kinds with the one asked about marked, and the question."""
        shown, cards = record["shown"], len(record["value_deal_order"])
        progress(canvas, f"card {shown} of {cards}", shown, cards)
        if not shown:
            return
        dealt, asked = (
            self.names[kind(int(record[key][shown - 1]), self.kinds)] for key in self.hidden
        )
        face(canvas, 110, CARD_Y, HEIGHT, dealt)
        canvas.text(110, CARD_Y + HEIGHT / 2 + 16, "now", 15, INK)
        canvas.text(200, CARD_Y - 24, "How many of", 20, INK, "lm")
        symbol(canvas, 350, CARD_Y - 24, 44, asked)
        canvas.text(200, CARD_Y + 24, "so far, this card included?", 20, INK, "lm")
        kinds(canvas, self.names, asked, record["counts"].tolist() if reveal else None)
        over = "That was the last card."
        answer = f"Answer with a number from 0 to {cards // self.kinds}."
        question(canvas, over if shown == cards else answer)

    def memory_needed(self) -> int:
        """Return one less than the episode's length: the first card counts in the last answer."""
        return self.max_episode_length - 1


def dealt(order: np.ndarray, shown: int) -> Deck:
    """Return cards as ``env.value_deck`` of POPGym 1: the hand of "in_play" holds those dealt."""
    return Deck.of(order[::-1], len(order) - shown, in_play=order[:shown])
