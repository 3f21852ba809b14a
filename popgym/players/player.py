"""What a scripted player is: a function of what it observes, with a memory of its own."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from popgym.core.arguments import whole_number
from popgym.core.family import Family
from popgym.core.reset_options import read_seed


class Player(ABC):
    """Plays `num_envs` environments of one task side by side.

    It knows the task (its arguments, its spaces), what it observes and what it did; never the
    records. The first line of a subclass's docstring says how it plays, and tables show it.

    Args:
        task: What is played.
        num_envs: How many environments.
        seed: Decides its own dice; the same seed and observations give the same actions.

    Raises:
        ValueError: `num_envs` or `seed` is wrong.
    """

    observes_state: ClassVar[bool] = False
    """Whether it is an oracle: it is given `env.get_state()` in place of observations."""

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        self.task = task
        self.num_envs = whole_number("num_envs", num_envs, 1)
        self.rng = np.random.default_rng(read_seed(seed))

    @abstractmethod
    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Decides what to do next.

        Args:
            obs: As a vector environment of `num_envs` returns it, [num_envs, ...] or a tuple of
                such arrays; of an oracle, the states.
            start: Whether the observation is the first of an episode, [num_envs] bool. What was
                remembered of the episode before counts for nothing.

        Returns:
            Actions as the vector environment takes them, [num_envs, ...].
        """

    @classmethod
    def how(cls) -> str:
        """How it plays, in one line."""
        return (cls.__doc__ or "").strip().split("\n")[0]
