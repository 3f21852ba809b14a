"""Find pairs of cards from memory."""

from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Discrete, MultiBinary, MultiDiscrete, Tuple

from popgym.core.arguments import one_of, whole_number
from popgym.core.cards import DECK_SIZE, KINDS, RANKS, deck_field, kind, kinds_of, shuffle_deck
from popgym.core.deck import Deck
from popgym.core.family import Family
from popgym.core.hidden import Permutation
from popgym.core.kernel import Rules
from popgym.core.rules import Record, rule
from popgym.envs.pictures.cards import covered, face, frame
from popgym.envs.pictures.heading import progress
from popgym.render.canvas import Canvas
from popgym.render.palette import INK, LIGHT, WHITE
from popgym.render.text import TextBoard

DECK_TYPES = {"colors": ("B", "R"), "ranks": RANKS}  # no suits: 13 cards are an odd number
NONE = -1
COLUMNS, WIDE, HIGH, TOP = 13, 48, 66, 54  # cards in a row; sizes in pixels


@rule
def sample(s: Record, p: Record) -> None:
    """Shuffle the decks together and lay the cards out."""
    shuffle_deck(s, s.card_at_position)


@rule
def reset(s: Record, p: Record) -> None:
    """Turn all cards face down."""
    for i in range(len(s.matched)):
        s.matched[i], s.settled[i] = 0, p.kinds
    s.first, s.second, s.half, s.pairs, s.steps = NONE, NONE, 0, 0, 0


@rule
def step(s: Record, p: Record, position: int) -> Any:
    """Turn a card up; judge it if it is already matched or the second card of a turn."""
    turned = s.half + 1
    if turned == 1:
        s.first, s.second = position, NONE
    else:
        s.second = position
    s.half = turned == 1 and not s.matched[position]
    s.steps += 1
    reward = 0.0
    if s.matched[position]:
        reward = p.penalty * turned
    elif turned == 2:
        reward = judge(s, p)
    return reward, 2 * s.pairs == len(s.matched), s.steps == p.limit


@rule
def judge(s: Record, p: Record) -> Any:
    """Return the reward for the two cards turned up; if they are a pair, keep them face up."""
    cards = s.card_at_position
    same = kind(cards[s.first], p.kinds) == kind(cards[s.second], p.kinds)
    if not same or s.first == s.second:
        return 2 * p.penalty
    s.matched[s.first] = s.matched[s.second] = 1
    s.settled[s.first] = s.settled[s.second] = kind(cards[s.first], p.kinds)
    s.pairs += 1
    return p.reward


@rule
def observe(s: Record, p: Record, obs: Any) -> None:
    """Write the matched cards and the cards of this turn; all others are face down."""
    for i in range(len(s.settled)):
        obs[i] = s.settled[i]
    if s.first != NONE:
        obs[s.first] = kind(s.card_at_position[s.first], p.kinds)
    if s.second != NONE:
        obs[s.second] = kind(s.card_at_position[s.second], p.kinds)


class ConcentrationFamily(Family):
    """Each step turns a card up; a pair stays up, other cards are turned down again.

    Two cards turned up in the same turn are a pair if they are of one kind. A pair earns 1 / pairs.
    A turn of two cards that do not match costs 2 / length, and so does turning the same card up
    twice. Turning up a card that is already matched ends the turn and costs 1 / length for each
    card of the turn. Both cards of a turn are observed until the next turn begins. The value of
    face-down cards is the number of kinds. The episode ends when all cards are matched, or at the
    latest after twice as many steps as there are cards.

    The state contains the positions of the turn's cards. As in the published version, a missing
    position is given as the number of kinds (2 or 13), although that is also the position of a
    card.

    Args:
        num_decks: How many decks of 52 cards to lay out.
        deck_type: What makes a pair: "colors" or "ranks".

    Reference players: the perfect player remembers every card. It turns up a new card and then a
    card known to match it, or else another new card. It takes the pairs that it knows at the end.
    """

    rules = Rules(sample, reset, step, observe)
    presets: ClassVar = {
        "Easy": {"num_decks": 1, "deck_type": "colors"},
        "Medium": {"num_decks": 2, "deck_type": "colors"},
        "Hard": {"num_decks": 1, "deck_type": "ranks"},
    }
    group = "GAME"
    obs_requires_prev_action = True
    views: ClassVar = {
        "deck": lambda task, s: deck(s),
        "episode_length": lambda task, s: task.params["limit"],
        "success_reward_scale": lambda task, s: task.params["reward"],
        "failure_reward_scale": lambda task, s: task.params["penalty"],
    }

    def __init__(self, num_decks: int = 1, deck_type: str = "ranks") -> None:
        cards = DECK_SIZE * whole_number("num_decks", num_decks, 1)
        self.names = DECK_TYPES[one_of("deck_type", deck_type, DECK_TYPES)]
        self.faces = KINDS[deck_type]
        self.kinds, limit = len(self.names), 2 * cards
        self.picture_size = (COLUMNS * WIDE + 16, cards // COLUMNS * HIGH + TOP + 8)
        self.observation_space = MultiDiscrete([self.kinds + 1] * cards)
        self.action_space = Discrete(cards)
        self.text_board = TextBoard(13, left=5, width=4, stride=4)
        values = MultiDiscrete([self.kinds] * cards)
        self.state_space = Tuple((values, MultiBinary(cards), Discrete(cards), Discrete(cards)))
        self.max_episode_length = limit
        self.return_bounds = (-1.0, 1.0)
        self.params = {
            "kinds": self.kinds,
            "limit": limit,
            "reward": 2 / cards,
            "penalty": -1 / limit,
        }
        self.fields = {
            "card_at_position": deck_field(cards),
            "matched": (np.int8, (cards,)),
            "settled": (np.int8, (cards,)),  # what each card shows between turns
            "first": np.int32,  # position turned up in this turn, or NONE
            "second": np.int32,
            "half": np.int8,  # whether only one card of the turn is up
            "pairs": np.int32,
            "steps": np.int32,
        }
        self.hidden = {"card_at_position": Permutation(cards)}

    def state(self, records: np.ndarray) -> Any:
        """Return all cards' kinds, which cards are matched, and the positions of this turn."""
        values = kinds_of(records["card_at_position"], self.kinds)
        turned = (records[key].astype(np.int64) for key in ("first", "second"))
        first, second = (np.where(at == NONE, self.kinds, at) for at in turned)
        return values, records["matched"].copy(), first, second

    def draw(self, record: Record, reveal: bool = False) -> str:
        """Draw rows of 13 cards, each after its first position, with this turn's in brackets."""
        values = kinds_of(record["card_at_position"], self.kinds)
        turned = (record["first"], record["second"])
        shown = [
            self.names[value] if reveal or up or i in turned else "·"
            for i, (value, up) in enumerate(zip(values, record["matched"], strict=True))
        ]
        cells = [f"[{name:>2}]" if i in turned else f" {name:>2} " for i, name in enumerate(shown)]
        starts = range(0, len(cells), 13)
        rows = [f"{start:4d} {''.join(cells[start : start + 13])}".rstrip() for start in starts]
        return "\n".join([*rows, f"{record['pairs']} pairs   step {record['steps']}"])

    def paint(self, canvas: Canvas, record: Record, reveal: bool = False) -> None:
        """Paint the cards with their positions: this turn's with a frame, matched ones grey."""
        cards, turned = record["card_at_position"], (record["first"], record["second"])
        steps, limit = record["steps"], self.max_episode_length
        pairs = f"{record['pairs']} of {len(cards) // 2} pairs"
        progress(canvas, f"step {steps} of {limit}", steps, limit, pairs)
        if steps < limit and 2 * record["pairs"] < len(cards):
            card = "second" if record["half"] else "first"
            canvas.text(canvas.width / 2, 21, f"turn up the {card} card", 18, INK)
        for i, name in enumerate(self.faces[k] for k in kinds_of(cards, self.kinds)):
            x, y = 8 + WIDE * (i % COLUMNS + 0.5), TOP + HIGH * (i // COLUMNS + 0.5)
            if i in turned:
                frame(canvas, x, y, 60)
            if i in turned or record["matched"][i]:
                face(canvas, x, y, 60, name, LIGHT if record["matched"][i] else WHITE)
            else:
                covered(canvas, x, y, 60, name, reveal, str(i))
            if reveal or i in turned or record["matched"][i]:
                canvas.text(x, y + 22, str(i), 12, INK)


def deck(record: Record) -> Deck:
    """Return the cards as ``env.deck`` of POPGym 1.

    They are ordered by position. Its hands hold cards and positions.
    """
    cards, matched = record["card_at_position"], np.flatnonzero(record["matched"])
    turned = [record["first"].item()] if record["half"] else []
    return Deck.of(
        cards, len(cards), face_up=cards[matched], face_up_idx=matched,
        in_play=cards[turned], in_play_idx=turned,
    )  # fmt: skip
