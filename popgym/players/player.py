"""The base class of scripted players: functions of observations with a memory of their own."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from popgym.core.arguments import whole_number
from popgym.core.family import Family
from popgym.core.reset_options import read_seed


class Player(ABC):
    """A player of ``num_envs`` environments of one task.

    It knows the task (its arguments and spaces), its observations and its actions, but never the
    records. The first line of a subclass's docstring says how it plays; tables show this line.

    Args:
        task: The task to play.
        num_envs: The number of environments.
        seed: The seed of the player's random numbers; the same seed and observations give the same
            actions.

    Raises:
        ValueError: If ``num_envs`` or ``seed`` is out of range.
    """

    observes_state: ClassVar[bool] = False
    """Whether it is an oracle, which is given ``env.get_state()`` instead of observations."""

    def __init__(self, task: Family, num_envs: int = 1, seed: int = 0) -> None:
        self.task = task
        self.num_envs = whole_number("num_envs", num_envs, 1)
        self.rng = np.random.default_rng(read_seed(seed))

    @abstractmethod
    def act(self, obs: Any, start: np.ndarray) -> np.ndarray:
        """Choose the next actions.

        Args:
            obs: The observations as a vector environment of ``num_envs`` environments returns them,
                [num_envs, ...] or a tuple of such arrays; for an oracle, the states.
            start: The episode start mask, [num_envs] bool. Where it is True, the player must ignore
                what it remembers of the previous episode.

        Returns:
            Actions as the vector environment takes them, [num_envs, ...].
        """

    @classmethod
    def how(cls) -> str:
        """Return how it plays, in one line."""
        return (cls.__doc__ or "").strip().split("\n")[0]
