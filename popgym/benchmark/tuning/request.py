"""What a search consists of: a task, a memory, a search space, and the number of trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from popgym.benchmark.tuning.defaults import TRIALS
from popgym.benchmark.tuning.dimension import Dimension, Range, assigned, dimension_of, keys_of
from popgym.benchmark.tuning.spaces import default_space
from popgym.core.arguments import whole_number
from popgym.runs.memory_table import check_names
from popgym.runs.settings import Settings, check_keys
from popgym.runs.settings_given import merge
from popgym.runs.typos import refuse_typos

Options = dict[str, Any]

_OWN = ("env", "memory", "steps", "seed")
"""Settings that are arguments of their own."""
_NEVER = (*_OWN, "wrappers", "stop_at", "stop_episodes", "runners", "learners", "threads")
"""Settings that cannot be searched: other tasks or other scores could not be compared."""
_TABLES = {"env_options": "env", "memory_options": "memory", "network": "network"}


@dataclass(frozen=True)
class Request:
    """A search."""

    env: str
    memory: str
    steps: int
    """Environment steps of the longest trial."""
    seed: int
    """Seed of what is drawn, and of all trials."""
    trials: int
    settings: Options
    """Settings of all trials."""
    search: dict[str, Dimension]
    """The user's own dimensions."""
    space: dict[str, Dimension]
    """All dimensions."""

    @classmethod
    def of(
        cls,
        env: str,
        memory: str,
        *,
        steps: int = Settings.steps,
        seed: int = Settings.seed,
        trials: int = TRIALS,
        settings: Mapping[str, Any] | None = None,
        search: Mapping[str, Any] | None = None,
    ) -> Request:
        """Return a search in the memory's default space, changed as the user says.

        Args:
            env: As for ``popgym.train``, but no callable.
            memory: As for ``popgym.train``.
            steps: Environment steps of the longest trial.
            seed: Seed of what is drawn, and of all trials.
            trials: Number of trials.
            settings: Settings of all trials. What they fix is not searched, nor what is drawn
                together with it.
            search: More dimensions, see ``dimension_of``. They replace those of the same settings.

        Raises:
            ValueError: If a name is unknown, a value is out of range, or nothing is searched.
            TypeError: If a value has the wrong type.
        """
        fixed = merge(settings or {})
        own = {name: dimension_of(name, what) for name, what in (search or {}).items()}
        trials = whole_number("trials", trials, 1)
        space = _space(memory, fixed, own)
        typed = Settings(env, memory, steps, seed)  # steps may be 2e5
        request = cls(env, memory, typed.steps, typed.seed, trials, fixed, own, space)
        request.check()
        return request

    def check(self) -> None:
        """Check all names and values.

        Raises:
            ValueError: If one is unknown or out of range; the message suggests the nearest.
            TypeError: If one has the wrong type.
        """
        for name in self.settings:
            if name in _OWN:
                raise ValueError(f"{name} is an argument of its own: give it as --{name}")
        for name in ("runners", "learners"):
            if self.settings.get(name):
                raise ValueError(
                    f"{name} must be 0 in a search, whose trials run side by side with one core "
                    f"each, got {self.settings[name]!r}"
                )
        base = self._settings({})
        refuse_typos(base)
        check_names(base.memory, base.memory_options, base.network)
        for name, dimension in self.space.items():
            _check_searchable(name)
            for value in dimension.probes:
                tried = self._settings(assigned(name, value))
                check_names(tried.memory, tried.memory_options, tried.network)

    def settings_of(self, number: int) -> Settings:
        """Return the settings of a trial. They depend only on the seed, the space and its number.

        Trial 0 keeps the defaults, except in the user's own dimensions.
        """
        rng = np.random.default_rng((self.seed, number))
        drawn: Options = {}
        for name in sorted(self.space):
            value = self.space[name].draw(rng)
            if number > 0 or name in self.search:
                drawn |= assigned(name, value)
        return self._settings(drawn)

    def _settings(self, drawn: Options) -> Settings:
        own = {name: getattr(self, name) for name in _OWN}
        given = merge({"threads": 1}, self.settings, drawn)
        check_keys(given, "setting")
        return Settings.from_dict({**given, **own})

    @property
    def keys(self) -> list[str]:
        """The settings that are searched."""
        return [key for name in self.space for key in keys_of(name)]

    @property
    def ranges(self) -> list[str]:
        """The settings that are drawn from a range."""
        return [name for name, what in self.space.items() if isinstance(what, Range)]

    def as_data(self) -> dict[str, Any]:
        """Return the search as data for JSON."""
        plain = {name: getattr(self, name) for name in (*_OWN, "trials", "settings")}
        dimensions = {
            name: {key: what.data for key, what in getattr(self, name).items()}
            for name in ("search", "space")
        }
        return {**plain, **dimensions}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Request:
        """Return the search that ``as_data`` described.

        Raises:
            ValueError: If a value cannot be one of a search.
            TypeError: If a part is missing or has the wrong type.
        """
        dimensions = {
            name: {key: dimension_of(key, what) for key, what in dict(data[name]).items()}
            for name in ("search", "space")
        }
        request = cls(**{**data, **dimensions})
        request.settings_of(0)
        return request


def _space(memory: str, fixed: Options, own: dict[str, Dimension]) -> dict[str, Dimension]:
    given: dict[str, str] = {}
    for name in own:
        for key in keys_of(name):
            if key in given:
                raise ValueError(f"{key} is searched twice, by {given[key]} and {name}: remove one")
            given[key] = name
    names = _names(fixed)
    for key in given:
        if key in names:
            raise ValueError(f"{key} is given twice, to be searched and with --set: remove one")
    taken = {*given, *names}
    default = {n: d for n, d in default_space(memory).items() if not taken.intersection(keys_of(n))}
    if not default and not own:
        raise ValueError("all that could be searched is fixed with --set: leave some out")
    return {**default, **own}


def _names(fixed: Options) -> set[str]:
    """Return the names of settings as a user writes them, such as memory.stack_size."""
    found = set()
    for name, value in fixed.items():
        table = _TABLES.get(name)
        if table and isinstance(value, Mapping):
            found |= {f"{table}.{option}" for option in value}
        else:
            found.add(name)
    return found


def _check_searchable(name: str) -> None:
    for key in keys_of(name):
        if key in _TABLES:
            raise ValueError(
                f"{key} is a table: search its entries, such as {_TABLES[key]}.NAME=LOW..HIGH"
            )
        if key in _NEVER or key.startswith("env."):
            raise ValueError(
                f"{key} cannot be searched, because trials with other values could not be "
                "compared: fix it for all trials"
            )
