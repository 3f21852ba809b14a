"""Warns when the episodes of an evaluation do not end."""

import time
import warnings
from collections.abc import Callable

SECONDS = 30.0

CUT = "cut them with max_steps (--max-steps N)"
LIMIT_STEPS = "limit all episodes of the run with --set env.max_episode_steps=N"
"""What can be done, in an evaluation and in the evaluations during training."""


class Patience:
    """Warns when no episode has ended for a while; each wait is twice as long as the one before.

    Args:
        seconds: How long to wait before the first warning. None means half a minute.
        clock: Returns the time in seconds.
        remedy: What can be done.
    """

    def __init__(
        self,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        remedy: str = CUT,
    ) -> None:
        self.remedy = remedy
        self.seconds, self.clock = SECONDS if seconds is None else seconds, clock
        self.since, self.done, self.steps = clock(), 0, 0

    def step(self, steps: int, done: int, episodes: int) -> None:
        """Record steps, and warn if it is time to.

        Args:
            steps: The number of steps made since the last call, over all environments.
            done: The number of episodes that have ended so far.
            episodes: The number of episodes of the whole evaluation.
        """
        now = self.clock()
        self.steps += steps
        if done > self.done:
            self.done, self.since = done, now
        elif now - self.since >= self.seconds:
            self.since, self.seconds = now, 2 * self.seconds
            warnings.warn(
                f"{done} of {episodes} episodes are done after {self.steps:,} steps; if the "
                f"others may never end, {self.remedy}",
                stacklevel=4,  # the caller of ``evaluate``
            )
