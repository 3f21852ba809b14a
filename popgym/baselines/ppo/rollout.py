"""A rollout: what B environments did in T steps, as arrays, with many episodes end to end in a row.

::

    row 0   ...o o o o|O o o o o o o|O o o     O: first step of an episode, ``start`` is set
    row 1   ...o o|O o o o o o|O o o o o o     |: the state of the memory is cleared here
            t = 0                   t = T - 1

Nothing is padded. ``state`` is each row's memory before its first step, so that replaying a rollout
from it gives back what the acting network computed.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cloudpickle
import numpy as np

from popgym.runs.errors import RunError, describe

Arrays = dict[str, np.ndarray]


@dataclass
class Rollout:
    """B rows of T steps.

    RLlib sees a rollout as one opaque leaf in the list that ``sample()`` returns. It has the two
    methods that RLlib calls on the episodes there.
    """

    inputs: Arrays  # name -> [B, T, ...], what the network saw, see popgym.inputs
    start: np.ndarray  # [B, T] bool, the step is the first of an episode
    state: Arrays  # name -> [B, ...], the memory before step 0
    actions: np.ndarray  # [B, T, ...] plain actions, before ``to_env``
    action_inputs: np.ndarray  # [B, T, I] inputs of the action distribution while acting
    values: np.ndarray  # [B, T] of the critic while acting
    rewards: np.ndarray  # [B, T]
    discounted: np.ndarray  # [B, T], the episode's rewards up to this step, discounted backwards
    terminated: np.ndarray  # [B, T] bool
    truncated: np.ndarray  # [B, T] bool
    final_values: np.ndarray  # [B, T] value of a truncated episode's last observation, else 0
    last_value: np.ndarray  # [B] value of the observation after step T - 1
    repeated: np.ndarray  # [B] bool, the row is also in another of the ``shards``

    def env_steps(self) -> int:
        """Return B · T; no step is padding."""
        return self.rewards.size

    agent_steps = env_steps

    def __len__(self) -> int:
        return self.env_steps()

    def rows(self, chosen: slice | np.ndarray) -> Rollout:
        """Return some of the rows: views for a slice, copies for indices."""
        return Rollout(**{name: take(value, chosen) for name, value in vars(self).items()})

    @staticmethod
    def join(rollouts: Sequence[Rollout]) -> Rollout:
        """Return one rollout with all rows of several rollouts of equal length."""
        if len(rollouts) == 1:
            return rollouts[0]
        fields = {
            name: [getattr(rollout, name) for rollout in rollouts] for name in vars(rollouts[0])
        }
        return Rollout(**{name: _join(values) for name, values in fields.items()})

    def shards(self, count: int) -> list[Rollout]:
        """Return ``count`` rollouts of equally many rows, every row in at least one of them.

        Learners that average their gradients must take equally many minibatches; otherwise they
        wait for each other for ever. So if the rows do not divide evenly, the last shards are
        filled up with the first rows. ``repeated`` marks them there, so that statistics of all
        shards can leave them out.

        Raises:
            ValueError: If there are fewer rows than shards.
        """
        rows = len(self.rewards)
        if rows < count:
            raise ValueError(
                f"{rows} environments cannot feed {count} learners: "
                "use at least as many environments (num_envs) as learners"
            )
        each = -(-rows // count)
        if rows % count == 0:
            return [self.rows(slice(i * each, (i + 1) * each)) for i in range(count)]
        parts = np.arange(count * each).reshape(count, each)
        return [replace(self.rows(part % rows), repeated=part >= rows) for part in parts]


def empty_rollout(B: int, T: int, inputs: Arrays, action_inputs: int) -> Rollout:  # noqa: N803
    """Return a rollout of zeros, for ``popgym.baselines.ppo.ppo.collect`` to fill.

    Args:
        B: Rows.
        T: Steps.
        inputs: Inputs of one step, arrays [B, ...] that give shapes and dtypes.
        action_inputs: I, inputs of the action distribution.
    """

    def numbers(*shape: int) -> np.ndarray:
        return np.zeros((B, T, *shape), np.float32)

    return Rollout(
        inputs={k: np.zeros((B, T, *x.shape[1:]), x.dtype) for k, x in inputs.items()},
        start=np.zeros((B, T), bool), state={}, actions=numbers(),
        action_inputs=numbers(action_inputs), values=numbers(),
        rewards=numbers(), discounted=numbers(),
        terminated=np.zeros((B, T), bool), truncated=np.zeros((B, T), bool),
        final_values=numbers(), last_value=np.zeros(B, np.float32),
        repeated=np.zeros(B, bool),
    )  # fmt: skip


@dataclass
class Fault:
    """An error in a remote runner, returned in place of a rollout.

    RLlib would take a raised exception for a dead actor and restart it again and again.
    """

    error: Exception

    @classmethod
    def of(cls, error: Exception) -> Fault:
        """Return a fault that can be pickled; it holds the error's text if the error cannot."""
        try:
            pickle.loads(cloudpickle.dumps(error))
        except Exception:
            return cls(RunError(describe(error)))
        return cls(error)


def take(value: Any, rows: Any) -> Any:
    """Return some rows of an array or tensor, or of all that a dict or a tuple holds."""
    if isinstance(value, dict):
        return {name: take(part, rows) for name, part in value.items()}
    if isinstance(value, tuple):
        return tuple(take(part, rows) for part in value)
    return value[rows]


def _join(values: Sequence[Any]) -> Any:
    if isinstance(values[0], dict):
        return {name: np.concatenate([v[name] for v in values]) for name in values[0]}
    return np.concatenate(values)
