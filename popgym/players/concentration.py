"""Players of Concentration."""

from functools import lru_cache
from typing import Any

import numpy as np

from popgym.core.family import Family
from popgym.players.player import Player

TABULATED = 104  # cards; the table grows with their fourth power


class ConcentrationPerfect(Player):
    """Remembers every card, turns up new ones first, and takes the pairs it knows at the end.

    A turn begins with a new card. If its like is known, that is turned up, else another new
    card: luck may have it, and it is known from then on. No known pair is taken while there are
    new cards, since either of the two will do for the next of their kind. With two colours it
    may be better still to keep the like that is known and to try another new card; see
    `trials`.

    There is time for all this: a turn that fails makes two cards known, so at most cards / 2 of
    them fail, and as many succeed. An episode earns 1 less 2 / length for every failure. With
    one or two decks by colours, and with one by ranks, no way to play fails less often on
    average, as dynamic programming over all of them shows. With more cards a known like is
    always taken, and nothing is proved.
    """

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        super().__init__(task, num_envs, seed)
        cards, self.kinds = task.max_episode_length // 2, int(task.params["kinds"])
        tabulated = self.kinds == 2 and cards <= TABULATED
        self.trials = trials(cards // 2) if tabulated else None
        self.seen = np.full((num_envs, cards), self.kinds)  # a card's kind, or that of its back
        self.matched = np.zeros((num_envs, cards), bool)
        self.turn = np.zeros((num_envs, 2), np.int64)  # the positions turned up
        self.half = np.zeros(num_envs, bool)  # whether only the first of them was

    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Takes note of what lies open, and turns a card up; see `Player.act`."""
        self.look(obs, start)
        new = self.seen == self.kinds
        known = ~new & ~self.matched
        first = np.where(new.any(axis=1), new.argmax(axis=1), known.argmax(axis=1))
        action = np.where(self.half, self.second(new, known), first)
        self.turn[np.arange(self.num_envs), self.half.astype(int)] = action
        self.half = ~self.half
        return action

    def look(self, obs: np.ndarray, start: np.ndarray) -> None:
        """Notes the kinds of the cards that lie open, and whether the last two are a pair."""
        self.matched[start], self.half[start] = False, False
        self.seen = np.where(start[:, None], obs, np.minimum(self.seen, obs))  # backs are highest
        kinds = np.take_along_axis(self.seen, self.turn, axis=1)
        pair = ~start & ~self.half & (kinds[:, 0] == kinds[:, 1])
        self.matched[np.flatnonzero(pair)[:, None], self.turn[pair]] = True

    def second(self, new: np.ndarray, known: np.ndarray) -> np.ndarray:
        """The position to turn up after the first of a turn."""
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
    """When to keep a known like of the first card, and to try another new card instead.

    Of two colours, let a turn begin with a new card of colour A. Expected failures, from that
    turn to the last, are found for few new cards first.

    Args:
        each: How many cards of each colour there are.

    Returns:
        Whether to try, [each + 1, each + 1, each + 1, each + 1] bool: by the numbers of new
        cards of A (the first card included) and B, and of known ones of A and B.
    """
    size = each + 1
    # [new A, new B, 1 + known A, 1 + known B]; beyond the margins there is nothing to take
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
    """Expected failures after a first new card of A and another new one, by cards known."""
    if a + b == 1:
        return np.array(np.inf)
    lucky = failures[a - 2, b, 1:-1, 1:-1] if a > 1 else 0.0
    failed = 1 + failures[a - 1, b - 1, 2:, 2:] if b else 0.0
    return share(a - 1, a + b - 1, lucky) + share(b, a + b - 1, failed)


def share(count: int, total: int, values: Any) -> Any:
    """What `count` of `total` cases contribute to an expectation; nothing if there are none."""
    return count / total * values if count else 0.0
