"""Every environment there is: by name, in groups, in a table, and what is known of it."""

from dataclasses import dataclass
from typing import Any

from popgym.core.env import POPGymEnv
from popgym.core.family import Family
from popgym.core.nearest import unknown
from popgym.envs.position_only_cartpole import PositionOnlyCartPoleFamily
from popgym.envs.publish import Entry, publish
from popgym.envs.repeat_previous import RepeatPreviousFamily

FAMILIES: tuple[type[Family], ...] = (RepeatPreviousFamily, PositionOnlyCartPoleFamily)
LEVELS = ("Easy", "Medium", "Hard")
TOPICS = ("DIAGNOSTIC", "CONTROL", "NOISY", "GAME", "NAVIGATION")
ENTRIES: dict[str, Entry] = {
    entry.name: entry
    for level in ("", *LEVELS)
    for entry in (publish(family, level) for family in FAMILIES)
}

Group = dict[type[POPGymEnv], dict[str, str]]
"""Environment class → {"id": gymnasium's id}."""


def select(level: str | None = None, topic: str | None = None) -> Group:
    """The environments of a level ("" for the classes without suffix; None for Easy to Hard)."""
    levels = LEVELS if level is None else (level,)
    return {
        entry.env_class: {"id": entry.id}
        for entry in ENTRIES.values()
        if entry.level in levels and topic in (None, entry.family.group)
    }


def all_groups() -> dict[str, Group]:
    """The groups by name: ALL, ALL_EASY, DIAGNOSTIC, DIAGNOSTIC_EASY, ALL_DIAGNOSTIC and so on."""
    groups = {"ALL": select(), "ALL_BASE": select("")}
    groups.update({f"ALL_{level.upper()}": select(level) for level in LEVELS})
    for topic in TOPICS:
        groups[topic], groups[f"ALL_{topic}"] = select("", topic), select(None, topic)
        groups.update({f"{topic}_{level.upper()}": select(level, topic) for level in LEVELS})
    return groups


GROUPS = all_groups()


@dataclass(frozen=True)
class Row:
    """What a table of environments tells about one of them."""

    id: str
    observation: str
    action: str
    length: int
    """The most steps of an episode."""
    return_bounds: tuple[float, float]
    """The least and the greatest return."""
    description: str


def table() -> list[Row]:
    """A row for each environment from Easy to Hard, in the order of the families."""
    published = [entry for entry in ENTRIES.values() if entry.level]
    return [row(entry) for family in FAMILIES for entry in published if entry.family is family]


def row(entry: Entry) -> Row:
    """What the table tells about one environment."""
    task = entry.task()
    return Row(
        id=entry.id,
        observation=str(task.observation_space),
        action=str(task.action_space),
        length=task.max_episode_length,
        return_bounds=task.return_bounds,
        description=entry.family.description(),
    )


def lookup(name: str) -> Entry:
    """Finds an environment.

    Args:
        name: A class's name, RepeatPreviousEasy, or an id, popgym-RepeatPreviousEasy-v0.

    Raises:
        ValueError: There is none of that name; the message gives the nearest.
    """
    by_id = {entry.id: entry for entry in ENTRIES.values()}
    found = ENTRIES.get(name) or by_id.get(name)
    if found is None:
        known = by_id if str(name).startswith("popgym-") else ENTRIES
        raise ValueError(unknown("environment", str(name), known))
    return found


def lookup_any(env: str | type[POPGymEnv]) -> Entry:
    """`lookup` that takes a class as well."""
    return lookup(env if isinstance(env, str) else env.__name__)


def memory_needed(env: str | type[POPGymEnv], **arguments: Any) -> int | None:
    """How many steps back an agent must see to play perfectly; None if unknown.

    Args:
        env: A name, id or class.
        **arguments: As for the constructor, where they differ from the preset's.
    """
    return lookup_any(env).task(**arguments).memory_needed()


def reference_scores(env: str | type[POPGymEnv]) -> dict[str, float] | None:
    """Mean returns of reference players, as far as known: random, memoryless, perfect and others.

    Args:
        env: A name, id or class.

    Returns:
        Player → mean return; None if nothing is known. How they play is in the docstring of
        the family. Random players were run for 100 episodes on POPGym 1.0.7.
    """
    entry = lookup_any(env)
    scores = entry.family.scores.get(entry.level or base_level(entry))
    return None if scores is None else dict(scores)


def base_level(entry: Entry) -> str:
    """The level whose arguments the class without suffix has; nothing if there is none."""
    default = entry.task().__dict__
    same = (
        level for level in LEVELS if ENTRIES[entry.name + level].task().params == default["params"]
    )
    return next(same, "")
