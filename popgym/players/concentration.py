"""Players of Concentration."""

from functools import lru_cache
from typing import Any

import numpy as np

from popgym.core.family import Family
from popgym.players.player import Player

TABULATED = 104  # at most so many cards; the table grows with their fourth power


class ConcentrationPerfect(Player):
    """Remembers every card, turns up new ones first, and takes the pairs it knows at the end.

    A turn begins with a new card. If a card of the same kind is known, the player turns that up.
    Otherwise it turns up another new card, which matches with some luck and is known from then on.
    While there are new cards, the player takes no pair of known cards, because either of the two
    can match the next card of their kind. With two colours it can be better to leave the known card
    for later and to try another new card; see ``trials``.

    There is enough time for this: a failed turn makes two cards known, so at most cards / 2 turns
    fail, and cards / 2 succeed. An episode earns 1 less 2 / length for each failure. With one or
    two decks by colours, and with one deck by ranks, dynamic programming over all strategies shows
    that none fails less often on average. With more cards the player always takes a known card that
    matches, and nothing is proved.
    """

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        cards, self.kinds = task.max_episode_length // 2, int(task.params["kinds"])
        tabulated = self.kinds == 2 and cards <= TABULATED
        self.trials = trials(cards // 2) if tabulated else None
        # The kind of each card, or the number of kinds for a card whose face is unknown.
        self.seen = np.full((num_envs, cards), self.kinds)
        self.matched = np.zeros((num_envs, cards), bool)
        self.turn = np.zeros((num_envs, 2), np.int64)  # the positions turned up
        self.half = np.zeros(num_envs, bool)  # whether only the first card of a turn is up

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Record the open cards and turn a card up; see ``Player.act``."""
        self.look(obs, start)
        new = self.seen == self.kinds
        known = ~new & ~self.matched
        first = np.where(new.any(axis=1), new.argmax(axis=1), known.argmax(axis=1))
        action = np.where(self.half, self.second(new, known), first)
        self.turn[np.arange(self.num_envs), self.half.astype(int)] = action
        self.half = ~self.half
        return action

    def look(self, obs: np.ndarray, start: np.ndarray) -> None:
        """Record the kinds of the open cards, and whether the last two are a pair."""
        self.matched[start], self.half[start] = False, False
        # Face-down cards are observed as the number of kinds, which is greater than each kind.
        self.seen = np.where(start[:, None], obs, np.minimum(self.seen, obs))
        kinds = np.take_along_axis(self.seen, self.turn, axis=1)
        pair = ~start & ~self.half & (kinds[:, 0] == kinds[:, 1])
        self.matched[np.flatnonzero(pair)[:, None], self.turn[pair]] = True

    def second(self, new: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Return the position of the second card of a turn."""
        everyone, first = np.arange(self.num_envs), self.turn[:, 0]
        alike = self.seen == self.seen[everyone, first][:, None]
        like = known & alike
        like[everyone, first] = False
        take = like.any(axis=1)
        if self.trials is not None:
            others, each = known & ~alike, self.seen.shape[1] // 2
            counts = [like.sum(axis=1), others.sum(axis=1)]
            hidden = [
                each - n - (self.matched & side).sum(axis=1)
                for n, side in zip(counts, (alike, ~alike), strict=True)
            ]
            take &= ~(new.any(axis=1) & self.trials[(*hidden, *counts)])
        return np.where(take, like.argmax(axis=1), new.argmax(axis=1))


@lru_cache(maxsize=4)
def trials(each: int) -> np.ndarray:
    """Return when to try another new card although a match of the first card is known.

    There are two colours, and a turn begins with a new card of colour A. The expected number of
    failures from this turn on is computed for few new cards first.

    Args:
        each: The number of cards of each colour.

    Returns:
        Whether to try, [each + 1, each + 1, each + 1, each + 1] bool. The indices are the numbers
            of new cards of A (with the first card), of new cards of B, of known cards of A and of
            known cards of B.
    """
    size = each + 1
    # [new A, new B, 1 + known A, 1 + known B]; the margins stand for impossible numbers
    failures = np.full((size, size, size + 2, size + 2), np.inf)
    failures[0, 0] = 0
    chosen = np.zeros((size,) * 4, bool)
    for left in range(1, 2 * each + 1):
        counts = range(max(0, left - each), min(left, each) + 1)
        begun = {a: np.zeros((size, size)) for a in counts}  # the first card is of A
        for a in counts:
            if a:
                take = failures[a - 1, left - a, :-2, 1:-1]
                attempt = after_trial(failures, a, left - a)
                chosen[a, left - a], begun[a] = attempt < take, np.minimum(attempt, take)
        for a in counts:
            b = left - a
            failures[a, b, 1:-1, 1:-1] = share(a, left, begun[a]) + share(b, left, begun[b].T)
    return chosen


def after_trial(failures: np.ndarray, a: int, b: int) -> np.ndarray:
    """Return the expected failures after two new cards, the first of them of A, by cards known."""
    if a + b == 1:
        return np.array(np.inf)
    lucky = failures[a - 2, b, 1:-1, 1:-1] if a > 1 else 0.0
    failed = 1 + failures[a - 1, b - 1, 2:, 2:] if b else 0.0
    return share(a - 1, a + b - 1, lucky) + share(b, a + b - 1, failed)


def share(count: int, total: int, values: Any) -> Any:
    """Return what ``count`` of ``total`` cases add to an expectation; 0 if there are none."""
    return count / total * values if count else 0.0
