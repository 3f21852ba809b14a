"""Where mines may lie: all boards that agree with clues, counted exactly.

A clue says how many mines lie in a set of covered squares. Covered squares that belong to the
same clues form a box: only how many mines a box holds matters, and a box of n squares holds k in
C(n, k) ways. Boxes are gone through one by one; the rest of the way depends only on how many
mines each clue still lacks, and on how many are left. Boards are counted from both ends, as in
the forward-backward algorithm of hidden Markov models (Rabiner, "A Tutorial on Hidden Markov
Models", 1989, section III), so that it takes time for each such state and not for each board.
Squares in no clue come last and take the mines that are left.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import comb
from typing import NamedTuple

Clue = tuple[frozenset[int], int]
"""Squares, and how many mines lie in them: at most 8."""
BITS = 4  # of a state, for what one clue still lacks


class Box(NamedTuple):
    """Squares that belong to the same clues."""

    squares: tuple[int, ...]
    clues: tuple[int, ...]
    room: tuple[int, ...]
    """How many squares each of these clues has in later boxes."""


class TooManyStatesError(Exception):
    """There are more states than one is willing to go through."""


class Boards:
    """All ways to lay mines into covered squares that agree with clues.

    Args:
        covered: The squares that may hold mines.
        clues: What is known of them.
        num_mines: How many mines lie in them altogether.
        max_states: How many states to go through at most.

    Raises:
        TooManyStatesError: There are more.
    """

    total: int
    """How many ways there are; none if the clues contradict each other."""

    def __init__(
        self,
        covered: Iterable[int],
        clues: Sequence[Clue],
        num_mines: int,
        max_states: int = 50_000,
    ) -> None:
        self._boxes = boxes_of(clues)
        inside = {square for box in self._boxes for square in box.squares}
        self._outside = [square for square in covered if square not in inside]
        self._top = BITS * len(clues)  # below it what clues lack, above it the mines left
        lacking = sum(mines << (BITS * j) for j, (_, mines) in enumerate(clues))
        self._first = lacking + (num_mines << self._top)
        self._forward = self._count_forward(max_states)
        self._backward = self._count_backward()
        self.total = self._backward[0][self._first]

    def _moves(self, box: Box, state: int) -> list[tuple[int, int, int]]:
        """How many mines a box may hold, in how many ways, and the state behind it."""
        size = len(box.squares)
        least, most = 0, min(size, state >> self._top)
        one = 1 << self._top
        for clue, room in zip(box.clues, box.room, strict=True):
            lacking = (state >> (BITS * clue)) & 15
            least, most = max(least, lacking - room), min(most, lacking)
            one += 1 << (BITS * clue)
        return [(k, comb(size, k), state - k * one) for k in range(least, most + 1)]

    def _count_forward(self, max_states: int) -> list[dict[int, int]]:
        """Before each box and behind the last: in how many ways each state is come to."""
        layers, states = [{self._first: 1}], 1
        for box in self._boxes:
            after: dict[int, int] = {}
            for state, ways in layers[-1].items():
                for _, more, new in self._moves(box, state):
                    after[new] = after.get(new, 0) + ways * more
            layers.append(after)
            states += len(after)
            if states > max_states:
                raise TooManyStatesError(f"more than {max_states}")
        return layers

    def _count_backward(self) -> list[dict[int, int]]:
        """Before each box and behind the last: in how many ways each state can go on."""
        free = len(self._outside)
        layers = [{state: comb(free, state >> self._top) for state in self._forward[-1]}]
        for box, states in zip(self._boxes[::-1], self._forward[-2::-1], strict=True):
            after = layers[-1]
            layers.append(
                {s: sum(more * after[new] for _, more, new in self._moves(box, s)) for s in states}
            )
        return layers[::-1]

    def odds(self) -> dict[int, float]:
        """The probability of a mine in each covered square, all boards being equally likely.

        There must be a board.
        """
        odds: dict[int, float] = {}
        for i, box in enumerate(self._boxes):
            mines = 0
            for state, ways in self._forward[i].items():
                for k, more, new in self._moves(box, state):
                    mines += ways * k * more * self._backward[i + 1][new]
            odds.update(dict.fromkeys(box.squares, mines / (self.total * len(box.squares))))
        if self._outside:
            last = self._backward[-1]
            left = sum(n * last[s] * (s >> self._top) for s, n in self._forward[-1].items())
            each = left / (self.total * len(self._outside))
            odds.update(dict.fromkeys(self._outside, each))
        return odds

    def list_all(self) -> list[int]:
        """Every board as a number whose bit i says whether square i holds a mine."""
        parts = [(0, self._first)]
        for i, box in enumerate(self._boxes):
            parts = [
                (board | laid, new)
                for board, state in parts
                for k, _, new in self._moves(box, state)
                if self._backward[i + 1][new]
                for laid in ways_to_lay(box.squares, k)
            ]
        return [b | laid for b, s in parts for laid in ways_to_lay(self._outside, s >> self._top)]


def ways_to_lay(squares: Sequence[int], mines: int) -> list[int]:
    """All ways to lay mines into squares, as numbers with a bit for each square."""
    return [sum(1 << square for square in chosen) for chosen in combinations(squares, mines)]


def boxes_of(clues: Sequence[Clue]) -> list[Box]:
    """The boxes of all squares in clues, in an order that makes few states."""
    clues_of: dict[int, list[int]] = {}
    for j, (squares, _) in enumerate(clues):
        for square in squares:
            clues_of.setdefault(square, []).append(j)
    members: dict[tuple[int, ...], list[int]] = {}
    for square, its_clues in sorted(clues_of.items()):
        members.setdefault(tuple(its_clues), []).append(square)
    room = [len(squares) for squares, _ in clues]
    boxes = []
    for box in in_good_order(members):
        for j in box:
            room[j] -= len(members[box])
        boxes.append(Box(tuple(members[box]), box, tuple(room[j] for j in box)))
    return boxes


def in_good_order(boxes: Mapping[tuple[int, ...], object]) -> list[tuple[int, ...]]:
    """Boxes, given by their clues, so ordered that few clues are begun at a time."""
    left, begun = list(boxes), set[int]()
    boxes_left = {j: sum(j in box for box in left) for box in left for j in box}
    order = []
    while left:

        def cost(box: tuple[int, ...]) -> int:
            return sum((-2 if j in begun else 1) - (boxes_left[j] == 1) for j in box)

        best = min(left, key=cost)
        left.remove(best)
        order.append(best)
        begun.update(best)
        for j in best:
            boxes_left[j] -= 1
    return order
