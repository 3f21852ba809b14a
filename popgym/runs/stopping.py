"""The stop criterion of a run: the mean return of the last episodes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any


class RecentReturn:
    """The mean return of the last episodes, computed from the rows of progress.csv.

    A row has the mean of all episodes that ended in its iteration. So the mean is over the fewest
    last rows that together have at least ``episodes`` episodes.

    Args:
        stop_at: The mean return to reach. None: it is never reached.
        episodes: The least number of episodes in the mean.
        rows: The rows so far.
    """

    def __init__(
        self, stop_at: float | None, episodes: int, rows: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        self.stop_at, self.episodes = stop_at, episodes
        self._rows: deque[tuple[int, float]] = deque()
        self._count = 0
        for row in rows:
            self.add(row)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add the next row."""
        if not row.get("episodes"):
            return
        self._rows.append((row["episodes"], row["return_mean"]))
        self._count += row["episodes"]
        while self._count - self._rows[0][0] >= self.episodes:
            self._count -= self._rows.popleft()[0]

    @property
    def mean(self) -> float | None:
        """The mean return; None if too few episodes have ended."""
        return None if self._count < self.episodes else self.so_far

    @property
    def so_far(self) -> float | None:
        """The mean return, of all episodes if too few have ended; None if none has."""
        if not self._count:
            return None
        return sum(count * mean for count, mean in self._rows) / self._count

    @property
    def reached(self) -> bool:
        """Whether the mean is at least ``stop_at``."""
        mean = self.mean
        return self.stop_at is not None and mean is not None and mean >= self.stop_at
