"""Guess whether the next card is higher or lower."""

from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, Discrete

from popgym.core.arguments import whole_number
from popgym.core.cards import (
    DECK_SIZE,
    RANKS,
    deck_field,
    kinds_of,
    rank,
    shares_dealt,
    shuffle_deck,
)
from popgym.core.family import Family
from popgym.core.hidden import Permutation
from popgym.core.kernel import Rules
from popgym.core.rules import Record, rule
from popgym.envs.pictures.cards import (
    CARD_Y,
    HEIGHT,
    SIZE,
    answers,
    covered,
    face,
    frame,
    place,
    question,
)
from popgym.envs.pictures.heading import progress
from popgym.render.canvas import Canvas
from popgym.render.palette import INK

HIGHER = 0


@rule
def sample(s: Record, p: Record) -> None:
    """Shuffle the decks together."""
    shuffle_deck(s, s.deal_order)


@rule
def reset(s: Record, p: Record) -> None:
    """Show the first card."""
    s.shown = 1


@rule
def step(s: Record, p: Record, guess: int) -> Any:
    """Show the next card and judge the guess."""
    change = rank(s.deal_order[s.shown]) - np.int64(rank(s.deal_order[s.shown - 1]))
    s.shown += 1
    reward = 0.0
    if change != 0:
        reward = p.reward if (change > 0) == (guess == HIGHER) else -p.reward
    return reward, s.shown == len(s.deal_order), False


@rule
def observe(s: Record, p: Record, obs: Any) -> None:
    """Write the rank of the card in view."""
    obs[0] = rank(s.deal_order[s.shown - 1])


class HigherLowerFamily(Family):
    """Each step shows a card's rank; guess whether the next is higher (0) or lower (1).

    A guess earns plus or minus 1 / cards, or 0 if the next card has the same rank. Aces are low.

    Args:
        num_decks: How many decks of 52 cards to play through.

    Reference players: without memory the best guess is "higher" below a seven and "lower" above it.
    This earns Σᵣ |12 − 2r| / 13² = 84 / 169 on average, r = 0 … 12, with any number of decks. The
    perfect player counts the cards and guesses the side on which more cards remain.
    """

    rules = Rules(sample, reset, step, observe)
    presets: ClassVar = {
        "Easy": {"num_decks": 1},
        "Medium": {"num_decks": 2},
        "Hard": {"num_decks": 3},
    }
    picture_size = SIZE
    group = "GAME"
    action_names = ("higher", "lower")

    def __init__(self, num_decks: int = 1) -> None:
        self.num_decks = whole_number("num_decks", num_decks, 1)
        cards = DECK_SIZE * self.num_decks
        self.observation_space = Discrete(len(RANKS))
        self.action_space = Discrete(2)
        self.state_space = Box(0, 1, (len(RANKS),))
        self.max_episode_length = cards - 1
        self.return_bounds = (1 / cards - 1, 1 - 1 / cards)
        self.params = {"reward": 1 / cards}
        self.fields = {"deal_order": deck_field(cards), "shown": np.int32}
        self.hidden = {"deal_order": Permutation(cards)}

    def state(self, records: np.ndarray) -> Any:
        """Return the share dealt of each rank, with the card in view."""
        ranks = kinds_of(records["deal_order"], len(RANKS))
        return shares_dealt(ranks, records["shown"], len(RANKS)).astype(np.float32)

    def draw(self, record: Record, reveal: bool = False) -> str:
        """Draw the card in view."""
        ranks = [RANKS[i] for i in kinds_of(record["deal_order"], len(RANKS))]
        shown = record["shown"]
        card = ranks[shown - 1] if shown else "–"
        following = f"   {ranks[shown]} is next" if reveal and 0 < shown < len(ranks) else ""
        question = f"will the next be 0 higher or 1 lower?{following}"
        return f"card {shown} of {len(ranks)}: {card}   {question}"

    def paint(self, canvas: Canvas, record: Record, reveal: bool = False) -> None:
        """Paint the card in view, the next one face down, and the question."""
        ranks = [RANKS[i] for i in kinds_of(record["deal_order"], len(RANKS))]
        shown = record["shown"]
        progress(canvas, f"card {shown} of {len(ranks)}", shown, len(ranks))
        now, following = canvas.width / 2 - 60, canvas.width / 2 + 60
        for x, below in ((now, "now"), (following, "next")):
            canvas.text(x, CARD_Y + HEIGHT / 2 + 16, below, 15, INK)
        if shown:
            face(canvas, now, CARD_Y, HEIGHT, ranks[shown - 1])
        if shown == len(ranks):
            place(canvas, following, CARD_Y, HEIGHT)
            question(canvas, "That was the last card.")
        else:
            frame(canvas, following, CARD_Y, HEIGHT)
            covered(canvas, following, CARD_Y, HEIGHT, ranks[shown], reveal, "?")
            question(canvas, "Is the next one higher or lower? Aces are low.")
        answers(canvas, self.action_names)

    def memory_needed(self) -> int:
        """Return one less than the episode's length: every card shown changes the odds."""
        return self.max_episode_length - 1
