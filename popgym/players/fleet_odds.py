"""The odds that ships lie on each square of a board, given shots and hits.

Every hit must be under a ship, and no miss may be. First the hits are explained: the first hit by
every place of every ship that covers it, the first hit that is left by every place of every
remaining ship, and so on. This lists each explanation once. The free ships of an explanation lie
anywhere without shots or other ships. All ways to place up to two free ships are counted exactly.
With more free ships the probability that they do not overlap is computed exactly for each pair, and
these probabilities are multiplied (the superposition approximation of Kirkwood, "Statistical
Mechanics of Fluid Mixtures", 1935).

Ships are placed one by one, each uniformly over the places left. So a fleet is more likely if its
first ships leave fewer places to the others. This factor is also multiplied over pairs of ships,
which is exact for two ships.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations

import numpy as np

MAX_EXPLANATIONS = 4000  # if there are more, evenly spaced ones are kept; presets have far fewer


class Fleet:
    """Ships on a square board, whose squares are numbered row by row.

    Args:
        side: The number of rows and of columns of the board.
        sizes: The lengths of the ships, in the order in which they are placed.
    """

    places: list[np.ndarray]
    """For each ship [places, squares] float32: 1 on the squares of the place."""
    apart: dict[tuple[int, int], np.ndarray]
    """For each pair of ships [places, places] float32: 1 if they do not overlap."""
    weights: list[np.ndarray]
    """For each ship [places]: the relative probability of fleets with the ship at that place."""

    def __init__(self, side: int, sizes: Sequence[int]) -> None:
        self.squares, self.ships = side * side, range(len(sizes))
        of_size = {size: places_of(side, size) for size in sizes}
        self.places = [of_size[size] for size in sizes]
        self.apart = {
            (i, j): (self.places[i] @ self.places[j].T == 0).astype(np.float32)
            for i, j in permutations(self.ships, 2)
        }
        self.weights = [np.ones(len(places)) for places in self.places]
        for i, j in combinations(self.ships, 2):
            self.weights[i] /= np.maximum(self.apart[i, j].mean(axis=1), 1e-6)

    def odds(self, shots: np.ndarray, hits: np.ndarray) -> np.ndarray:
        """Return the probability of a ship on each square.

        Args:
            shots: The squares fired at, [squares] bool.
            hits: The squares where a shot hit a ship, [squares] bool.

        Returns:
            [squares] float64; all 0 if no fleet agrees with the shots.
        """
        fits = [(places[:, shots & ~hits] == 0).all(axis=1) for places in self.places]
        covers = [places[:, hits] > 0 for places in self.places]
        blank = [fit & ~cover.any(axis=1) for fit, cover in zip(fits, covers, strict=True)]
        totals = [np.zeros(len(places)) for places in self.places]
        for chosen in self._explanations(fits, covers):
            is_free = chosen < 0
            for free in np.unique(is_free, axis=0):
                self._count(chosen[(is_free == free).all(axis=1)], free, blank, totals)
        whole = totals[0].sum()  # every fleet has this ship somewhere
        if whole == 0:
            return np.zeros(self.squares)
        return sum(t @ places for t, places in zip(totals, self.places, strict=True)) / whole

    def _explanations(
        self, fits: list[np.ndarray], covers: list[np.ndarray]
    ) -> Iterator[np.ndarray]:
        """Yield places of ships that cover all hits, [explanations, ships]; −1 for free ships."""
        chosen = np.full((1, len(self.ships)), -1)
        covered = np.zeros((1, covers[0].shape[1]), bool)
        while len(chosen):
            done = covered.all(axis=1)
            yield chosen[done]
            if done.all():
                return
            chosen, covered = chosen[~done], covered[~done]
            parts = [self._one_more(i, chosen, covered, fits, covers) for i in self.ships]
            chosen, covered = (np.concatenate(part) for part in zip(*parts, strict=True))
            thin = -(-len(chosen) // MAX_EXPLANATIONS) or 1
            chosen, covered = chosen[::thin], covered[::thin]

    def _one_more(
        self,
        ship: int,
        chosen: np.ndarray,
        covered: np.ndarray,
        fits: list[np.ndarray],
        covers: list[np.ndarray],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Cover the first uncovered hit of each explanation with a ship at every possible place."""
        rows = np.flatnonzero(chosen[:, ship] < 0)
        places = np.flatnonzero(fits[ship] & covers[ship].any(axis=1))
        first = covered[rows].argmin(axis=1)
        can = covers[ship][places][:, first].T  # [rows, places]
        for other in self.ships:
            if other != ship:
                beside = self.apart[other, ship][chosen[rows, other]][:, places] > 0
                can &= beside | (chosen[rows, other] < 0)[:, None]
        row, place = can.nonzero()
        new = chosen[rows[row]]
        new[:, ship] = places[place]
        return new, covered[rows[row]] | covers[ship][places[place]]

    def _count(
        self,
        chosen: np.ndarray,
        free: np.ndarray,
        blank: list[np.ndarray],
        totals: list[np.ndarray],
    ) -> None:
        """Add the weights of all fleets that agree with the explanations, by each ship's place."""
        fixed, loose = np.flatnonzero(~free).tolist(), np.flatnonzero(free).tolist()
        weight = np.ones(len(chosen))
        for i in fixed:
            weight *= self.weights[i][chosen[:, i]]
        ways = {}  # ship → [explanations, places]
        for i in loose:
            ways[i] = np.repeat(
                (self.weights[i] * blank[i]).astype(np.float32)[None], len(chosen), 0
            )
            for j in fixed:
                ways[i] *= self.apart[j, i][chosen[:, j]]
            weight *= ways[i].sum(axis=1)
        share = {i: ways[i] / np.maximum(ways[i].sum(axis=1, keepdims=True), 1e-30) for i in loose}
        beside = {(i, j): share[i] @ self.apart[i, j] for i, j in permutations(loose, 2)}
        for i, j in combinations(loose, 2):
            weight *= (beside[i, j] * share[j]).sum(axis=1)
        for i in fixed:
            totals[i] += np.bincount(chosen[:, i], weight, len(totals[i]))
        for i in loose:
            part = share[i]
            for j in loose:
                if j != i:
                    part = part * beside[j, i]
            totals[i] += (weight / np.maximum(part.sum(axis=1), 1e-30)) @ part


def places_of(side: int, size: int) -> np.ndarray:
    """Return all places of a ship, [places, side²] float32: 1 where it lies."""
    places = []
    for y in range(side):
        for x in range(side - size + 1):
            board = np.zeros((side, side), np.float32)
            board[y, x : x + size] = 1
            places += [board] if size == 1 else [board, board.T]
    return np.reshape(places, (len(places), -1))
