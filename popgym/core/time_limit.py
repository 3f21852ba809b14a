"""Truncation of episodes after a number of steps, as in Gymnasium's wrapper ``TimeLimit``.

Two rules wrap a family's ``reset`` and ``step``, and each environment's record has a step counter.
The limit therefore works in every autoreset mode, is part of snapshots, and has no cost if it is
not used.
"""

import functools
from typing import Any

import numpy as np

from popgym.core.arguments import whole_number
from popgym.core.family import Family, the_same
from popgym.core.kernel import Rules
from popgym.core.rules import Record, rule

COUNT, LIMIT = "_steps_taken", "_max_episode_steps"
"""The names of the additional field of the record and of the additional parameter."""

_MOST = 2**62  # which no episode reaches, and which the parameter can hold


def read_limit(max_episode_steps: Any) -> int | None:
    """Return the maximum number of steps; None, also for −1, if only the rules end episodes.

    Raises:
        ValueError: If it is neither None nor −1 nor a whole number of at least 1.
    """
    if max_episode_steps is None or (type(max_episode_steps) is int and max_episode_steps == -1):
        return None
    return min(_MOST, whole_number("max_episode_steps", max_episode_steps, 1))


def shortest(length: int, limit: int | None) -> int:
    """Return the maximum length of an episode, where ``length`` is the maximum of the rules."""
    return length if limit is None else min(length, limit)


@functools.cache
def limited(rules: Rules) -> Rules:
    """Return rules that count the steps of an episode and truncate it at the limit."""
    reset_task, step_task = rules.reset, rules.step

    @rule
    def reset(s: Record, p: Record) -> None:
        reset_task(s, p)
        s._steps_taken = 0

    @rule
    def step(s: Record, p: Record, action: Any) -> Any:
        reward, terminated, truncated = step_task(s, p, action)
        s._steps_taken += 1
        return reward, terminated, truncated or s._steps_taken >= p._max_episode_steps

    return rules._replace(reset=reset, step=step)


def limited_records(family: Family) -> np.dtype:
    """Return the type of one environment's record, with the step counter."""
    return with_field(family.record_type(), COUNT)


def limited_params(family: Family, limit: int) -> np.ndarray:
    """Return a family's parameters and the limit, as an array of one record."""
    params = family.params_record()
    more = np.zeros(1, with_field(params.dtype, LIMIT))
    for name in params.dtype.names or ():
        more[name] = params[name]
    more[LIMIT] = limit
    return more


def with_field(record: np.dtype, name: str) -> np.dtype:
    """Return a record type with one more field, a whole number."""
    fields = [(each, record[each]) for each in record.names or ()]
    return the_same(np.dtype([*fields, (name, np.int64)], align=True))
