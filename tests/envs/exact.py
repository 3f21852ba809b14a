"""What players earn on average, from formulas and dynamic programming; nothing is played."""

from collections import Counter
from functools import cache
from math import comb

import numpy as np


def repeat_previous_memoryless(decks):
    """Another suit than the one in view is as likely as each of three: 13 d of 52 d − 1 cards."""
    return 2 * 13 * decks / (52 * decks - 1) - 1


def repeat_first_memoryless(decks):
    """The suit in view is right at first, and later as often as two cards are alike."""
    cards = 52 * decks
    right = 1 + (cards - 2) * (cards / 4 - 1) / (cards - 1)
    return 2 * right / (cards - 1) - 1


def autoencode_memoryless(decks):
    """The card in view is known, a fixed suit is right for a quarter of the others."""
    cards = 52 * decks
    return 2 * (1 + (cards - 1) / 4) / cards - 1


def count_chances(cards, kinds, dealt):
    """How likely each count of a kind is after so many cards: the hypergeometric distribution."""
    each = cards // kinds
    ways = [comb(each, n) * comb(cards - each, dealt - n) for n in range(min(each, dealt) + 1)]
    return np.array([way / comb(cards, dealt) for way in ways])


def count_recall_clock(cards, kinds):
    """The likeliest count after each card."""
    chances = [count_chances(cards, kinds, dealt).max() for dealt in range(1, cards)]
    return 2 * np.mean(chances) - 1


HIGHER_LOWER_MEMORYLESS = sum(abs(12 - 2 * rank) for rank in range(13)) / 13**2


def higher_lower_perfect(decks):
    """With the rank in view, those left are any of the other cards: E |higher − lower| / left."""
    each, cards = 4 * decks, 52 * decks
    total = 0.0
    for rank in range(13):
        above, below, alike = each * (12 - rank), each * rank, each - 1
        for left in range(1, cards):
            total += lead(above, below, alike, left) / left / 13
    return total / cards


def lead(above, below, alike, left):
    """E |H − L| where `left` cards are drawn from some above, below and alike."""
    log = np.cumsum([0.0, *np.log(np.arange(1, above + below + alike + 1))])  # of factorials

    def ways(n, k):
        inside = (k >= 0) & (k <= n)
        k = np.clip(k, 0, n)
        return np.where(inside, log[n] - log[k] - log[n - k], -np.inf)

    h, lo = np.arange(above + 1)[:, None], np.arange(below + 1)[None, :]
    chance = ways(above, h) + ways(below, lo) + ways(alike, left - h - lo)
    return (np.exp(chance - ways(above + below + alike, np.array(left))) * np.abs(h - lo)).sum()


def concentration_perfect(kinds, each):
    """The best return that memory allows, over all ways to choose what to turn up."""
    return 1 - fewest_failures(((0, each),) * kinds) / (kinds * each)


@cache
def fewest_failures(kinds):
    """Expected turns without a pair, playing best.

    Args:
        kinds: For each kind of cards not all matched, how many lie face down whose place is
            known, and how many whose place is not, sorted. Kinds wholly known are left out:
            their pairs can be taken whenever one likes, and other cards gain nothing by them.
    """
    new = sum(unseen for _, unseen in kinds)
    if not new:
        return 0.0
    choices = [0.0]
    for (known, unseen), times in Counter(kinds).items():
        others = without(kinds, (known, unseen))
        choices[0] += times * unseen / new * first_new(known, unseen, others)
        if known >= 2:
            choices.append(after(others, (known - 2, unseen)))  # take a pair that is known
        if known:
            choices.append(then_new(known - 1, unseen, others))  # the first of the turn is known
    return min(choices)


def first_new(known, unseen, others):
    """Expected failures once a new card, of a kind with these numbers, is turned up first."""
    choices = [1 + after(others, (known + 1, unseen - 1))]  # turn up any that does not match
    if known:
        choices.append(after(others, (known - 1, unseen - 1)))
    if unseen > 1 or any(unseen for _, unseen in others):
        choices.append(then_new(known, unseen - 1, others))
    return min(choices)


def then_new(known, unseen, others):
    """Expected failures once a card lies open, with these numbers left of its kind, and then a
    new card is turned up."""
    total = unseen * after(others, (known, unseen - 1)) if unseen else 0.0
    for (known_2, unseen_2), times in Counter(others).items():
        if unseen_2:
            rest = without(others, (known_2, unseen_2))
            failed = 1 + after(rest, (known + 1, unseen), (known_2 + 1, unseen_2 - 1))
            total += times * unseen_2 * failed
    return total / (unseen + sum(unseen_2 for _, unseen_2 in others))


def without(kinds, kind):
    """The kinds but for one of these numbers."""
    i = kinds.index(kind)
    return kinds[:i] + kinds[i + 1 :]


def after(others, *changed):
    """Expected failures from the kinds that are as they were, and those that changed."""
    # the last new card of a kind needs but one known like
    left = ((1 if unseen == 1 and known else known, unseen) for known, unseen in changed if unseen)
    return fewest_failures(tuple(sorted((*others, *left))))
