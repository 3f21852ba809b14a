"""The odds of mines: exact counts of all boards that agree with the clues.

A clue says how many mines lie in a set of covered squares. Covered squares that belong to the same
clues form a box. Only the number of mines in a box matters, and a box of n squares holds k mines in
C(n, k) ways. The boxes are processed one by one. The rest of the count depends only on the state:
how many mines each clue still lacks, and how many mines are left. Boards are counted from both
ends, like in the forward-backward algorithm of hidden Markov models, so that the time depends on
the number of states and not of boards. Squares without a clue come last and take the mines that are
left.

Rabiner, "A Tutorial on Hidden Markov Models" (1989), section III.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import comb
from typing import NamedTuple

Clue = tuple[frozenset[int], int]
"""Squares and the number of mines in them, at most 8."""
BITS = 4  # of a state for the number of mines that one clue still lacks


class Box(NamedTuple):
    """Squares that belong to the same clues."""

    squares: tuple[int, ...]
    clues: tuple[int, ...]
    room: tuple[int, ...]
    """The number of squares of each of these clues in later boxes."""


class TooManyStatesError(Exception):
    """There are more states than allowed."""


class Boards:
    """All ways to lay mines into covered squares that agree with the clues.

    Args:
        covered: The squares that may hold mines.
        clues: The known numbers of mines.
        num_mines: The number of mines in all covered squares.
        max_states: The maximum number of states.

    Raises:
        TooManyStatesError: If there are more states.
    """

    total: int
    """The number of boards; 0 if the clues contradict each other."""

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
        self._top = BITS * len(clues)  # lower bits: mines clues lack; higher: mines left
        lacking = sum(mines << (BITS * j) for j, (_, mines) in enumerate(clues))
        self._first = lacking + (num_mines << self._top)
        self._forward = self._count_forward(max_states)
        self._backward = self._count_backward()
        self.total = self._backward[0][self._first]

    def _moves(self, box: Box, state: int) -> list[tuple[int, int, int]]:
        """Return the possible numbers of mines in a box.

        Returns:
            Tuples: how many mines, in how many ways they can be laid, and the state after the box.
        """
        size = len(box.squares)
        least, most = 0, min(size, state >> self._top)
        one = 1 << self._top
        for clue, room in zip(box.clues, box.room, strict=True):
            lacking = (state >> (BITS * clue)) & 15
            least, most = max(least, lacking - room), min(most, lacking)
            one += 1 << (BITS * clue)
        return [(k, comb(size, k), state - k * one) for k in range(least, most + 1)]

    def _count_forward(self, max_states: int) -> list[dict[int, int]]:
        """Return, before each box and after the last, how many ways lead to each state."""
        layers, states = [{self._first: 1}], 1
        for box in self._boxes:
            after: dict[int, int] = {}
            for state, ways in layers[-1].items():
                for _, more, new in self._moves(box, state):
                    after[new] = after.get(new, 0) + ways * more
            layers.append(after)
            states += len(after)
            if states > max_states:
                raise TooManyStatesError(f"more than {max_states} states")
        return layers

    def _count_backward(self) -> list[dict[int, int]]:
        """Return, before each box and after the last, how many ways lead on from each state."""
        free = len(self._outside)
        layers = [{state: comb(free, state >> self._top) for state in self._forward[-1]}]
        for box, states in zip(self._boxes[::-1], self._forward[-2::-1], strict=True):
            after = layers[-1]
            layers.append(
                {s: sum(more * after[new] for _, more, new in self._moves(box, s)) for s in states}
            )
        return layers[::-1]

    def odds(self) -> dict[int, float]:
        """Return the probability of a mine in each covered square if all boards are equally likely.

        There must be at least one board.
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
        """Return every board as a number whose bit i says whether square i holds a mine."""
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
    """Return all ways to lay mines into squares, as numbers with a bit for each square."""
    return [sum(1 << square for square in chosen) for chosen in combinations(squares, mines)]


def boxes_of(clues: Sequence[Clue]) -> list[Box]:
    """Return the boxes of all squares in clues, in an order that gives few states."""
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
    """Order boxes, given by their clues, so that few clues are unfinished at a time."""
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
