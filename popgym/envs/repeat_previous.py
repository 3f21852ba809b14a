"""Name the suit of a card shown some steps ago."""

from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Tuple

from popgym.core.arguments import whole_number
from popgym.core.cards import (
    DECK_SIZE,
    SUIT_KEYS,
    SUIT_NAMES,
    SUITS,
    deck_field,
    kinds_of,
    shares_dealt,
    shuffle_deck,
    suit,
)
from popgym.core.family import Family
from popgym.core.hidden import Permutation
from popgym.core.kernel import Rules
from popgym.core.rules import Record, rule
from popgym.envs.pictures.cards import SIZE, answers, question, since
from popgym.envs.pictures.heading import progress
from popgym.render.canvas import Canvas


@rule
def sample(s: Record, p: Record) -> None:
    """Shuffle the decks together."""
    shuffle_deck(s, s.deal_order)


@rule
def reset(s: Record, p: Record) -> None:
    """Show the first card."""
    s.shown = 1


@rule
def step(s: Record, p: Record, answer: int) -> Any:
    """Judge the answer, once k cards have been shown, and show the next card."""
    reward = 0.0
    if s.shown >= p.k:
        right = suit(s.deal_order[s.shown - p.k])
        reward = p.reward if answer == right else -p.reward
    s.shown += 1
    return reward, s.shown == len(s.deal_order), False


@rule
def observe(s: Record, p: Record, obs: Any) -> None:
    """Write the suit of the card in view."""
    obs[0] = suit(s.deal_order[s.shown - 1])


class RepeatPreviousFamily(Family):
    """Each step shows a card's suit; answer with the suit shown k − 1 steps before.

    Args:
        num_decks: How many decks of 52 cards to play through.
        k: Which card to name: 1 is the card in view, 2 the card before it, and so on.

    Reference players: without memory it is best always to name a suit other than the one in view.
    By symmetry this is right with probability 13 d / (52 d − 1) with d decks, which earns 26 d /
    (52 d − 1) − 1. A player with a memory of k − 1 steps earns 1.
    """

    rules = Rules(sample, reset, step, observe)
    presets: ClassVar = {
        "Easy": {"num_decks": 1, "k": 4},
        "Medium": {"num_decks": 2, "k": 32},
        "Hard": {"num_decks": 3, "k": 64},
    }
    picture_size = SIZE
    group = "DIAGNOSTIC"
    action_names = SUIT_NAMES

    def __init__(self, num_decks: int = 1, k: int = 4) -> None:
        cards = DECK_SIZE * whole_number("num_decks", num_decks, 1)
        self.k = whole_number("k", k, 1, cards - 1)
        self.observation_space = Discrete(4)
        self.action_space = Discrete(4)
        self.state_space = Tuple((MultiDiscrete([4] * self.k), Box(0, 1, (4,))))
        self.max_episode_length = cards - 1
        self.return_bounds = (-1.0, 1.0)
        self.params = {"k": self.k, "reward": 1 / (cards - self.k)}
        self.fields = {"deal_order": deck_field(cards), "shown": np.int32}
        self.hidden = {"deal_order": Permutation(cards)}

    def state(self, records: np.ndarray) -> Any:
        """Return the last k suits, zeros before the first, and each suit's share still to come."""
        suits, shown = kinds_of(records["deal_order"], 4), records["shown"]
        back = shown[:, None] + np.arange(-self.k, 0)
        last = np.where(back < 0, 0, np.take_along_axis(suits, np.maximum(back, 0), axis=1))
        return last, (1 - shares_dealt(suits, shown, 4)).astype(np.float32)

    def draw(self, record: Record, reveal: bool = False) -> str:
        """Draw the card in view and the question."""
        suits, shown = [SUITS[card % 4] for card in record["deal_order"]], record["shown"]
        card = suits[shown - 1] if shown else "–"
        answer = f"   it was {suits[shown - self.k]}" if reveal and shown >= self.k else ""
        question = f"which suit was {self.k - 1} before? {SUIT_KEYS}{answer}"
        return f"card {shown} of {len(suits)}: {card}   {question}"

    def paint(self, canvas: Canvas, record: Record, reveal: bool = False) -> None:
        """Paint the row of cards from the one asked about to the one in view, and the question."""
        suits, shown = [SUITS[card % 4] for card in record["deal_order"]], record["shown"]
        progress(canvas, f"card {shown} of {len(suits)}", shown, len(suits))
        asked = None
        if shown == len(suits):
            question(canvas, "That was the last card.")
        elif shown < self.k:
            question(canvas, f"Remember: the first question comes with card {self.k}.")
        else:
            asked = f"{self.k - 1} before"
            question(canvas, f"Which suit was {asked}?")
        since(canvas, suits[max(shown - self.k, 0) : shown], asked, reveal)
        answers(canvas, SUITS)

    def memory_needed(self) -> int:
        """Return k − 1: the card to name was shown k − 1 steps before the one in view."""
        return self.k - 1
