"""A batch of environments of one task: their records, observations, rewards and other arrays.

The single environment and the vector environment are both built on it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from popgym.core.actions import ActionBuffer
from popgym.core.family import Family
from popgym.core.kernel import GIVEN, KEEP, NEW, OVER, RESET, SAMPLE, compiled, entry_point
from popgym.core.layout import observation_rows
from popgym.core.random import stream
from popgym.core.time_limit import limited, limited_params, limited_records

SAVED = ("records", "status", "obs", "final_obs", "rewards", "terminated", "truncated", "seeded")


class Batch:
    """n environments of one task.

    Args:
        family: The task.
        count: The number of environments, n.
        threads: Whether to distribute the environments over numba's threads.
        max_episode_steps: The number of steps after which an episode is truncated. None: the
            rules alone decide.
    """

    records: np.ndarray
    """[n], with the field ``rng`` and those of ``Family.fields``."""
    obs: np.ndarray
    """[n, ...], the observations in the form in which the rules write them."""
    final_obs: np.ndarray
    """[n, ...], the last observations of episodes that ended in the last step (SAME_STEP)."""
    final_records: np.ndarray
    """[n], the records at the end of the same episodes."""

    def __init__(
        self,
        family: Family,
        count: int,
        threads: bool = False,
        max_episode_steps: int | None = None,
    ) -> None:
        self.family, self.count, self.threads = family, count, threads
        self.limited = max_episode_steps is not None
        kind = limited_records(family) if self.limited else family.record_type()
        self.records = np.zeros(count, kind)
        self.final_records = self.records.copy()
        self.status = np.full(count, NEW, np.uint8)
        self.obs = observation_rows(family.observation_space, count)
        self.final_obs = self.obs.copy()
        self.actions = ActionBuffer(family.action_space, count, family.clips_actions)
        self.rewards = np.zeros(count)
        self.terminated, self.truncated = np.zeros(count, bool), np.zeros(count, bool)
        self.seeded = np.zeros(count, bool)
        self._todo = np.zeros(count, np.uint8)
        limit = max_episode_steps
        self._params = family.params_record() if limit is None else limited_params(family, limit)
        self._arrays = self._bind()
        self._kernel: Callable[..., int] | None = None

    def _bind(self) -> tuple[np.ndarray, ...]:
        """Return the arguments of the kernel."""
        actions = self.actions
        return (
            *(self.records, self._params, self.status),
            *(actions.values, actions.low, actions.high, self.obs),
            *(self.final_obs, self.final_records),
            *(self.rewards, self.terminated, self.truncated, self._todo),
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kernel": None, "_arrays": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._arrays = self._bind()

    def _program(self) -> Callable[..., int]:
        name, rules = type(self.family).__name__, self.family.rules
        layout = repr([(array.dtype.descr, array.ndim) for array in self._arrays])
        return compiled(name, limited(rules) if self.limited else rules, layout, self.threads)

    def _compile(self) -> Callable[..., int]:
        self._kernel = entry_point(type(self.family).__name__, self._program(), self._arrays)
        return self._kernel

    def seed(self, seeds: Any, indices: Any, which: Any) -> None:
        """Restart the random streams of the environments ``which`` from seeds."""
        self.records["rng"][which] = stream(seeds, indices)
        self.seeded[which] = True

    def reset(self, which: Any, hidden: dict[str, np.ndarray] | None = None) -> None:
        """Begin episodes in the environments ``which``.

        Args:
            which: An index, slice or mask of environments.
            hidden: The hidden initial state by key, already checked; each value is
                [number of environments in ``which``, ...]. None: it is drawn at random.
        """
        self._todo[:] = KEEP
        self._todo[which] = SAMPLE if hidden is None else GIVEN
        for key, values in (hidden or {}).items():
            self.records[key][which] = values
        (self._kernel or self._compile())(*self._arrays, RESET)

    def step(self, mode: int) -> int:
        """Step all environments with the actions in the buffer.

        Returns:
            −1, or the index of the first environment that cannot be stepped. In the latter case
            no environment has changed.
        """
        return (self._kernel or self._compile())(*self._arrays, mode)

    def why_not(self, index: int) -> str:
        """Return the reason why an environment cannot be stepped, and what to do."""
        status = self.status[index]
        if status == NEW:
            return "it was never reset: call reset() before step()"
        if status == OVER:
            return "its episode is over: call reset() before the next step()"
        return f"its action {self.actions.values[index]} is outside {self.family.action_space}"

    def snapshot(self) -> dict[str, np.ndarray]:
        """Return copies of all arrays on which the environments' future depends."""
        return {name: np.array(getattr(self, name)) for name in SAVED}

    def restore(self, snapshot: dict[str, np.ndarray]) -> None:
        """Restore the state saved by ``snapshot``.

        Raises:
            ValueError: If it is not a snapshot of this task with the same number of environments.
        """
        for name in SAVED:
            kept, given = getattr(self, name), snapshot.get(name)
            if not isinstance(given, np.ndarray) or given.shape != kept.shape:
                raise ValueError(f"not a snapshot of {self.count} environments: {name} differs")
            if given.dtype.descr != kept.dtype.descr:
                raise ValueError(f"not a snapshot of this task: {name} has other fields")
        for name in SAVED:
            getattr(self, name)[...] = snapshot[name]
