"""Episodes truncated after a number of steps, as by gymnasium's wrapper TimeLimit.

The limit is a pair of rules around a family's own, and a count in each environment's record, so
that it works in every autoreset mode, is part of snapshots, and costs nothing where it is not
used.
"""

import functools
from typing import Any

import numpy as np

from popgym.core.arguments import whole_number
from popgym.core.family import Family, the_same
from popgym.core.kernel import Rules
from popgym.core.rules import Record, rule

COUNT, LIMIT = "_steps_taken", "_max_episode_steps"
"""The record's field, and the parameter, that are added to those of the family."""


def read_limit(max_episode_steps: Any) -> int | None:
    """The greatest number of steps, or None for no limit but the rules', as −1 also means.

    Raises:
        ValueError: It is no whole number of at least 1.
    """
    none = max_episode_steps is None or (type(max_episode_steps) is int and max_episode_steps == -1)
    return None if none else whole_number("max_episode_steps", max_episode_steps, 1)


def shortest(length: int, limit: int | None) -> int:
    """The most steps of an episode that has at most `length` by the rules."""
    return length if limit is None else min(length, limit)


@functools.cache
def limited(rules: Rules) -> Rules:
    """Rules that count the steps of an episode and truncate it at the limit."""
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
    """The record of one environment of a family with a limit."""
    return with_field(family.record_type(), COUNT)


def limited_params(family: Family, limit: int) -> np.ndarray:
    """A family's parameters and the limit, as an array of one record."""
    params = family.params_record()
    more = np.zeros(1, with_field(params.dtype, LIMIT))
    for name in params.dtype.names or ():
        more[name] = params[name]
    more[LIMIT] = limit
    return more


def with_field(record: np.dtype, name: str) -> np.dtype:
    """A type of records with a field more, a whole number."""
    fields = [(each, record[each]) for each in record.names or ()]
    return the_same(np.dtype([*fields, (name, np.int64)], align=True))
