"""A sign of life from an evaluation whose episodes do not end."""

import time
import warnings
from collections.abc import Callable

SECONDS = 30.0


class Patience:
    """Warns while no episode ends: after half a minute, then after twice as long each time.

    Args:
        seconds: how long to wait the first time; None: half a minute.
        clock: tells the time, in seconds.
    """

    def __init__(
        self, seconds: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.seconds, self.clock = SECONDS if seconds is None else seconds, clock
        self.since, self.done, self.steps = clock(), 0, 0

    def step(self, steps: int, done: int, episodes: int) -> None:
        """Take note of steps that were made.

        Args:
            steps: how many, in all environments together.
            done: how many episodes have ended since the beginning.
            episodes: how many are to end.
        """
        now = self.clock()
        self.steps += steps
        if done > self.done:
            self.done, self.since = done, now
        elif now - self.since >= self.seconds:
            self.since, self.seconds = now, 2 * self.seconds
            warnings.warn(
                f"{done} of {episodes} episodes are done after {self.steps:,} steps; if the "
                "others may never end, cut them with max_steps (--max-steps N)",
                stacklevel=4,  # who called `evaluate`
            )
