"""What a benchmark consists of: tasks, contestants, seeds and settings, from flags or a TOML file.

A suite file looks like this; all but ``tasks`` and ``memories`` may be left out::

    tasks = ["RepeatPreviousEasy", "DIAGNOSTIC_MEDIUM"]   # environments and groups of popgym.envs
    memories = ["gru", "lru", "wide"]                      # or "all"
    seeds = 3                                              # 0, 1 and 2; or a list
    steps = 1_000_000

    [settings]                        # of all trials, as for `popgym train --set`
    "network.hidden_size" = 128

    [contestants.wide]                # a memory with settings of its own, by any label
    memory = "frameconv"
    settings = { "memory.stack_size" = 33 }

    [[overrides]]                     # settings of some trials
    memories = ["gru"]
    tasks = ["RepeatPreviousMedium"]
    settings = { lr = 5e-4 }

    [fair]                            # equal numbers of parameters, and a learning rate for each
    parameters = 200_000
    lr = [3e-4, 1e-3, 3e-3]
    seeds = [1000]                    # of the trials that choose the learning rate
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from popgym.core.arguments import check_known, readable, whole_number
from popgym.envs.registry import GROUPS
from popgym.runs.layout import file_name
from popgym.runs.memory_table import check_names, known_memories
from popgym.runs.settings import Settings, check_keys
from popgym.runs.settings_given import merge
from popgym.runs.typos import refuse_typos

Options = dict[str, Any]

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+=-]*")
_MOST_SEEDS = 10_000
_RESERVED = ("env", "memory", "seed", "steps")
"""Settings that a suite says elsewhere."""


@dataclass(frozen=True)
class Contestant:
    """A memory with settings of its own."""

    label: str
    memory: str
    settings: Options = field(default_factory=dict)


@dataclass(frozen=True)
class Override:
    """Settings of the trials of some tasks and some contestants; empty means all."""

    settings: Options
    tasks: tuple[str, ...] = ()
    memories: tuple[str, ...] = ()

    def concerns(self, task: str, label: str) -> bool:
        """Return whether the trials of a task and a contestant get these settings."""
        return (not self.tasks or task in self.tasks) and (
            not self.memories or label in self.memories
        )


@dataclass(frozen=True)
class Fair:
    """How contestants are made comparable."""

    parameters: int | None = None
    """Number of trainable parameters that the width of each memory is chosen for."""
    lr: tuple[float, ...] = ()
    """Learning rates of which the best is chosen for each task and contestant."""
    seeds: tuple[int, ...] = (1000,)
    """Seeds of the trials that choose. They must not be seeds of the suite."""


@dataclass(frozen=True)
class Suite:
    """Tasks × contestants × seeds, with their settings."""

    tasks: tuple[str, ...]
    contestants: tuple[Contestant, ...]
    seeds: tuple[int, ...] = (0, 1, 2)
    steps: int = Settings.steps
    settings: Options = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    fair: Fair | None = None

    def settings_of(self, task: str, contestant: Contestant, seed: int) -> Settings:
        """Return the settings of one trial.

        Raises:
            ValueError: If a setting is unknown or out of range.
            TypeError: If a value has the wrong type.
        """
        layers = [each.settings for each in self.overrides if each.concerns(task, contestant.label)]
        trial = {
            "env": task, "memory": contestant.memory, "seed": seed, "steps": self.steps,
        }  # fmt: skip
        given = merge({"threads": 1}, self.settings, contestant.settings, *layers)
        check_keys(given, "setting")
        return Settings.from_dict({**given, **trial})

    def check(self) -> None:
        """Check all names and values.

        Raises:
            ValueError: If one is unknown or out of range; the message suggests the nearest.
            TypeError: If one has the wrong type.
        """
        fair = self.fair or Fair()
        for rate in fair.lr:
            Settings("", lr=rate)  # refuses what is out of range
        for seed in (*self.seeds, *fair.seeds):
            Settings("", seed=seed)
        for task in self.tasks:
            for contestant in self.contestants:
                settings = self.settings_of(task, contestant, self.seeds[0])
                if fair.parameters is not None and "hidden_size" in settings.network:
                    raise ValueError(
                        f"parameters of fair choose the width of {contestant.label}: leave out its "
                        "network.hidden_size"
                    )
                refuse_typos(settings)
                check_names(settings.memory, settings.memory_options, settings.network)


_KEYS = [each.name for each in fields(Suite) if each.name != "contestants"]
_TOP = [*_KEYS, "memories", "contestants"]


def suite_of(data: Mapping[str, Any], check: bool = True) -> Suite:
    """Return the suite that a table, such as a TOML file, describes.

    Args:
        data: The table.
        check: Whether names of environments, memories and their options are checked too. That
            imports the user's own environments.

    Raises:
        ValueError: If a key or a name is unknown (the message suggests the nearest), a task or a
            memory is given twice, or there are no tasks, memories or seeds.
        TypeError: If a value has the wrong type.
    """
    check_known(data, _TOP, "key of a suite")
    tasks = tuple(expand_tasks(_names(data, "tasks")))
    contestants = tuple(_contestants(data))
    labels = [each.label for each in contestants]
    for names in (tasks, labels):
        _refuse_shared_folders(names)
    suite = Suite(
        tasks=tasks,
        contestants=contestants,
        seeds=seeds_of(data.get("seeds", 3)),
        steps=_steps(data.get("steps", Settings.steps)),
        settings=_settings(data.get("settings", {}), "settings"),
        overrides=tuple(_override(each, tasks, labels) for each in data.get("overrides", [])),
        fair=_fair(data["fair"]) if "fair" in data else None,
    )
    if suite.fair is not None and set(suite.fair.seeds) & set(suite.seeds):
        raise ValueError(
            f"the seeds of fair, {list(suite.fair.seeds)}, choose the learning rate and must not "
            f"be seeds of the suite, {list(suite.seeds)}"
        )
    if check:
        suite.check()
    return suite


def _refuse_shared_folders(names: Sequence[str]) -> None:
    """Refuse names of tasks or contestants whose trials would be in one folder."""
    seen: dict[str, str] = {}
    for name in names:
        label = label_of(name)
        if label in seen:
            raise ValueError(
                f"{seen[label]} and {name} would share the folder {label}: give one of them "
                "another name"
            )
        seen[label] = name


def expand_tasks(names: Sequence[str]) -> Iterator[str]:
    """Yield the tasks, with groups of ``popgym.envs`` replaced by their environments.

    Raises:
        ValueError: If a task is given twice.
    """
    seen = set()
    for name in names:
        for task in (each.__name__ for each in GROUPS[name]) if name in GROUPS else [name]:
            if task in seen:
                raise ValueError(f"task {task} is given twice: name it once")
            seen.add(task)
            yield task


def seeds_of(value: Any) -> tuple[int, ...]:
    """Return seeds: those of a list, or 0 to n − 1 for a number n.

    Raises:
        ValueError: If there are none or too many, or one is given twice.
        TypeError: If they are not whole numbers.
    """
    if _is_whole(value) and value > _MOST_SEEDS:
        raise ValueError(f"seeds must be at most {_MOST_SEEDS:,}, got {readable(value)}")
    seeds = list(range(value)) if _is_whole(value) else value
    if not isinstance(seeds, (list, tuple)) or not all(_is_whole(seed) for seed in seeds):
        raise TypeError(f"seeds must be a whole number or a list of them, got {value!r}")
    if not seeds:
        raise ValueError(f"seeds must be at least 1, or name at least one seed, got {value!r}")
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"a seed is given twice in {list(seeds)}: name it once")
    return tuple(seeds)


def _contestants(data: Mapping[str, Any]) -> Iterator[Contestant]:
    own, names = _table(data.get("contestants", {}), "contestants"), data.get("memories")
    labels = _names(data, "memories") if names and names != "all" else [*own]
    if names == "all":
        labels = [*known_memories()["options"]]
    if not labels:
        raise ValueError('name at least one memory: memories = ["gru"]')
    for label in labels:
        if labels.count(label) > 1:
            raise ValueError(f"memory {label} is given twice: name it once")
        yield _contestant(label, own.get(label))


def _contestant(name: str, described: Any) -> Contestant:
    if described is None:
        return Contestant(label_of(name), name)
    if not _LABEL.fullmatch(name):
        raise ValueError(
            f"contestant {name!r} must consist of letters, digits and the signs _ . + = -, because "
            "folders are named after it"
        )
    check_known(_table(described, name), ["memory", "settings"], f"key of contestant {name}")
    settings = _settings(described.get("settings", {}), f"settings of contestant {name}")
    return Contestant(name, described.get("memory", name), settings)


def label_of(name: str) -> str:
    """Return the label of a memory or a task, which is part of a path: ``module:Class`` → Class."""
    return file_name(name)


def _override(data: Any, tasks: Sequence[str], labels: Sequence[str]) -> Override:
    check_known(
        _table(data, "an override"), ["tasks", "memories", "settings"], "key of an override"
    )
    whose = _names(data, "memories") if "memories" in data else ()
    where = tuple(expand_tasks(_names(data, "tasks"))) if "tasks" in data else ()
    for kind, names, known in (("memory", whose, labels), ("task", where, tasks)):
        check_known(names, known, f"{kind} of an override")
    settings = _settings(data.get("settings", {}), "settings of an override")
    return Override(settings, where, tuple(whose))


def _fair(data: Any) -> Fair:
    check_known(_table(data, "fair"), [each.name for each in fields(Fair)], "key of fair")
    rates = data.get("lr", ())
    if not isinstance(rates, (list, tuple)) or not all(isinstance(r, (int, float)) for r in rates):
        raise TypeError(f"lr of fair must be a list of numbers, got {rates!r}")
    parameters = data.get("parameters")
    if parameters is not None:
        parameters = whole_number("parameters of fair", parameters, 1)
    return Fair(parameters, tuple(map(float, rates)), seeds_of(data.get("seeds", [1000])))


def _settings(data: Any, what: str) -> Options:
    for name in _RESERVED:
        if name in _table(data, what):
            raise ValueError(f"{what} must not contain {name}: a suite says it elsewhere")
    return dict(data)


def _steps(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not _is_whole(value) or value < 1:
        raise ValueError(f"steps must be a whole number of at least 1, got {value!r}")
    return value


def _names(data: Mapping[str, Any], key: str) -> list[str]:
    names = data.get(key)
    if not isinstance(names, (list, tuple)) or not all(isinstance(each, str) for each in names):
        raise TypeError(f"{key} must be a list of names, got {names!r}")
    if not names:
        raise ValueError(f"{key} is empty: name at least one")
    return list(names)


def _table(data: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise TypeError(f"{what} must be a table, got {data!r}")
    return data


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
