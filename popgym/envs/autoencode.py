"""Watch a deck of cards, then name their suits in reverse order."""

from enum import IntEnum
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
    shuffle_deck,
    suit,
)
from popgym.core.deck import Deck
from popgym.core.family import Family
from popgym.core.hidden import Permutation
from popgym.core.kernel import Rules
from popgym.core.rules import Record, rule
from popgym.envs.pictures.cards import SIZE, answers, listing, question, spread
from popgym.envs.pictures.heading import progress
from popgym.render.canvas import Canvas


class Mode(IntEnum):
    """The meaning of the first number of an observation."""

    PLAY, WATCH = range(2)


@rule
def sample(s: Record, p: Record) -> None:
    """Shuffle the decks together."""
    shuffle_deck(s, s.deal_order)


@rule
def reset(s: Record, p: Record) -> None:
    """Put the first card on the pile."""
    s.pile, s.watching = 1, 1


@rule
def step(s: Record, p: Record, answer: int) -> Any:
    """Add a card to the pile, or judge the answer and take the top card away."""
    if s.watching:
        s.pile += 1
        s.watching = s.pile < len(s.deal_order)
        return 0.0, False, False
    right = answer == suit(s.deal_order[s.pile - 1])
    s.pile -= 1
    return p.reward if right else -p.reward, s.pile == 0, False


@rule
def observe(s: Record, p: Record, obs: Any) -> None:
    """Write whether cards are still added, and the suit of the card just added (or 0)."""
    laid = s.watching or s.pile == len(s.deal_order)
    obs[0] = s.watching
    obs[1] = suit(s.deal_order[s.pile - 1]) if laid else 0


class AutoencodeFamily(Family):
    """Watch suits one by one, then name them from the last to the first.

    While the mode is 1 (watch), each step adds a card to a pile and ignores the action. The last
    card changes the mode to 0 (play). This card is still in view when the agent is asked for its
    suit. Later no card is in view, which is observed as suit 0. Each answer takes the top card off
    the pile and earns plus or minus 1 / cards.

    Args:
        num_decks: How many decks of 52 cards to remember.

    Reference players: without memory only the suit of the card in view can be known. Always naming
    the same suit is right for a quarter of the others, which earns 1.5 / cards − 0.5. A player that
    remembers all cards earns 1.
    """

    rules = Rules(sample, reset, step, observe)
    presets: ClassVar = {
        "Easy": {"num_decks": 1},
        "Medium": {"num_decks": 2},
        "Hard": {"num_decks": 3},
    }
    picture_size = SIZE
    group = "DIAGNOSTIC"
    action_names = SUIT_NAMES
    views: ClassVar = {"deck": lambda task, s: deck(s), "mode": lambda task, s: Mode(s["watching"])}

    def __init__(self, num_decks: int = 1) -> None:
        cards = DECK_SIZE * whole_number("num_decks", num_decks, 1)
        self.observation_space = Tuple((Discrete(2), Discrete(4)))
        self.action_space = Discrete(4)
        self.state_space = Tuple((MultiDiscrete([4] * cards), Discrete(2), Box(0, 1, (1,))))
        self.max_episode_length = 2 * cards - 1
        self.return_bounds = (-1.0, 1.0)
        self.params = {"reward": 1 / cards}
        self.fields = {
            "deal_order": deck_field(cards),
            "pile": np.int32,  # how many cards lie on the pile
            "watching": np.int8,
        }
        self.hidden = {"deal_order": Permutation(cards)}

    def state(self, records: np.ndarray) -> Any:
        """Return the suits in the order of the questions, the mode, and the share on the pile."""
        suits = kinds_of(records["deal_order"], 4)[:, ::-1]
        share = (records["pile"] / suits.shape[1]).astype(np.float32)
        return suits, records["watching"].astype(np.int64), share[:, None]

    def draw(self, record: Record, reveal: bool = False) -> str:
        """Draw the pile, with its top card while that is in view."""
        suits, pile = [SUITS[card % 4] for card in record["deal_order"]], record["pile"]
        laid = pile and (record["watching"] or pile == len(suits))
        top = suits[pile - 1] if laid else "–"
        task = "remember" if record["watching"] else f"which suit is on top? {SUIT_KEYS}"
        cards = f"   pile: {' '.join(suits[:pile])}" if reveal else ""
        return f"{pile} cards on the pile, top: {top}   {task}{cards}"

    def paint(self, canvas: Canvas, record: Record, reveal: bool = False) -> None:
        """Paint the pile and the question. Only a top card in view lies face up."""
        suits, pile = [SUITS[card % 4] for card in record["deal_order"]], record["pile"]
        watching, laid = record["watching"], record["watching"] or pile == len(suits)
        mode = "watch" if watching else "play"
        progress(canvas, f"{pile} of {len(suits)} cards on the pile", pile, len(suits), mode)
        if reveal and pile:
            listing(canvas, suits[:pile])
        else:
            spread(canvas, pile, len(suits), suits[pile - 1] if laid else None)
        if watching:
            question(canvas, "Remember: the suits are asked in reverse.")
        else:
            question(canvas, "Which suit is on top?" if pile else "That was the last card.")
        answers(canvas, SUITS)

    def memory_needed(self) -> int:
        """Return one less than the episode's length: the card shown first is asked for last."""
        return self.max_episode_length - 1


def deck(record: Record) -> Deck:
    """Return the cards as ``env.deck`` of POPGym 1.

    The cards on the pile are in the hand of "system".
    """
    order, pile = record["deal_order"], record["pile"]
    left = len(order) - pile if record["watching"] else 0
    return Deck.of(order[::-1], left, system=order[:pile])
