"""Name the suit of the first card at every step."""

from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, Discrete, Tuple

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
    """Judge the answer and show the next card."""
    reward = p.reward if answer == suit(s.deal_order[0]) else -p.reward
    s.shown += 1
    return reward, s.shown == len(s.deal_order), False


@rule
def observe(s: Record, p: Record, obs: Any) -> None:
    """Write the suit of the card in view."""
    obs[0] = suit(s.deal_order[s.shown - 1])


class RepeatFirstFamily(Family):
    """Each step shows a card's suit; answer with the suit shown first.

    At the first question the first card is still in view. There is no question after the last card.
    Every answer earns plus or minus 1 / (cards − 1).

    Args:
        num_decks: How many decks of 52 cards to play through.

    Reference players: without memory it is best to name the suit in view. This is right at first,
    and later with probability (13 d − 1) / (52 d − 1) with d decks. A player that remembers the
    first card earns 1.
    """

    rules = Rules(sample, reset, step, observe)
    presets: ClassVar = {
        "Easy": {"num_decks": 1},
        "Medium": {"num_decks": 8},
        "Hard": {"num_decks": 16},
    }
    picture_size = SIZE
    group = "DIAGNOSTIC"
    action_names = SUIT_NAMES

    def __init__(self, num_decks: int = 1) -> None:
        cards = DECK_SIZE * whole_number("num_decks", num_decks, 1)
        self.observation_space = Discrete(4)
        self.action_space = Discrete(4)
        self.state_space = Tuple((Discrete(4), Box(0, 1, (4,))))
        self.max_episode_length = cards - 1
        self.return_bounds = (-1.0, 1.0)
        self.params = {"reward": 1 / (cards - 1)}
        self.fields = {"deal_order": deck_field(cards), "shown": np.int32}
        self.hidden = {"deal_order": Permutation(cards)}

    def state(self, records: np.ndarray) -> Any:
        """Return the first suit, and each suit's share still to come."""
        suits = kinds_of(records["deal_order"], 4)
        return suits[:, 0], (1 - shares_dealt(suits, records["shown"], 4)).astype(np.float32)

    def draw(self, record: Record, reveal: bool = False) -> str:
        """Draw the card in view and the question."""
        suits, shown = [SUITS[card % 4] for card in record["deal_order"]], record["shown"]
        card = suits[shown - 1] if shown else "–"
        answer = f"   it was {suits[0]}" if reveal and shown else ""
        return f"card {shown} of {len(suits)}: {card}   which suit was first? {SUIT_KEYS}{answer}"

    def paint(self, canvas: Canvas, record: Record, reveal: bool = False) -> None:
        """Paint the row of cards from the first to the one in view, and the question."""
        suits, shown = [SUITS[card % 4] for card in record["deal_order"]], record["shown"]
        over = shown == len(suits)
        progress(canvas, f"card {shown} of {len(suits)}", shown, len(suits))
        since(canvas, suits[:shown], None if over else "first", reveal)
        question(canvas, "That was the last card." if over else "Which suit was first?")
        answers(canvas, SUITS)

    def memory_needed(self) -> int:
        """Return one less than the episode's length: the last question is about the first card."""
        return self.max_episode_length - 1
