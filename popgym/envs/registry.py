"""All environments: by name, in groups and in a table."""

from typing import Any

from gymnasium.spaces import Discrete, MultiDiscrete, Space, Tuple

from popgym.core.arguments import unknown
from popgym.core.env import POPGymEnv
from popgym.core.family import Family
from popgym.core.time_limit import read_limit
from popgym.envs.autoencode import AutoencodeFamily
from popgym.envs.battleship import BattleshipFamily
from popgym.envs.concentration import ConcentrationFamily
from popgym.envs.count_recall import CountRecallFamily
from popgym.envs.higher_lower import HigherLowerFamily
from popgym.envs.labyrinth_escape import LabyrinthEscapeFamily
from popgym.envs.labyrinth_explore import LabyrinthExploreFamily
from popgym.envs.minesweeper import MineSweeperFamily
from popgym.envs.multiarmed_bandit import MultiarmedBanditFamily
from popgym.envs.noisy_position_only_cartpole import NoisyPositionOnlyCartPoleFamily
from popgym.envs.noisy_position_only_pendulum import NoisyPositionOnlyPendulumFamily
from popgym.envs.position_only_cartpole import PositionOnlyCartPoleFamily
from popgym.envs.position_only_pendulum import PositionOnlyPendulumFamily
from popgym.envs.publish import Entry, base_name, class_name, publish_all
from popgym.envs.repeat_first import RepeatFirstFamily
from popgym.envs.repeat_previous import RepeatPreviousFamily
from popgym.envs.velocity_only_cartpole import VelocityOnlyCartPoleFamily

FAMILIES: tuple[type[Family], ...] = (
    RepeatPreviousFamily,
    RepeatFirstFamily,
    AutoencodeFamily,
    CountRecallFamily,
    HigherLowerFamily,
    ConcentrationFamily,
    MultiarmedBanditFamily,
    PositionOnlyCartPoleFamily,
    VelocityOnlyCartPoleFamily,
    NoisyPositionOnlyCartPoleFamily,
    PositionOnlyPendulumFamily,
    NoisyPositionOnlyPendulumFamily,
    MineSweeperFamily,
    BattleshipFamily,
    LabyrinthEscapeFamily,
    LabyrinthExploreFamily,
)
LEVELS = ("Easy", "Medium", "Hard")
TOPICS = ("DIAGNOSTIC", "CONTROL", "NOISY", "GAME", "NAVIGATION")
ENTRIES: dict[str, Entry] = publish_all(FAMILIES, ("", *LEVELS), {})

Group = dict[type[POPGymEnv], dict[str, str]]
"""Environment class → {"id": gymnasium's id}."""


def select(level: str | None = None, topic: str | None = None) -> Group:
    """Return the published environments of a level and a topic.

    Args:
        level: One of ``LEVELS``, "" for the classes without suffix, or None for Easy to Hard.
        topic: One of ``TOPICS``, or None for all.
    """
    levels = LEVELS if level is None else (level,)
    return {
        entry.env_class: {"id": entry.id}
        for entry in ENTRIES.values()
        if entry.version == "v0" and entry.level in levels and topic in (None, entry.family.group)
    }


def all_groups() -> dict[str, Group]:
    """Return the groups by name: ALL, ALL_EASY, DIAGNOSTIC, DIAGNOSTIC_EASY, ALL_DIAGNOSTIC, …."""
    groups = {"ALL": select(), "ALL_BASE": select("")}
    groups.update({f"ALL_{level.upper()}": select(level) for level in LEVELS})
    for topic in TOPICS:
        groups[topic], groups[f"ALL_{topic}"] = select("", topic), select(None, topic)
        groups.update({f"{topic}_{level.upper()}": select(level, topic) for level in LEVELS})
    return groups


GROUPS = all_groups()


def table() -> list[dict[str, Any]]:
    """Return a row for each published environment with a level, in the order of the families.

    Returns:
        Rows with the columns name, observation, action, length (the maximum number of steps),
            return (the least and the greatest), description and id.
    """
    published = [entry for entry in ENTRIES.values() if entry.level and entry.version == "v0"]
    return [row(entry) for family in FAMILIES for entry in published if entry.family is family]


def row(entry: Entry) -> dict[str, Any]:
    """Return the row of the table for one environment."""
    task = entry.task()
    low, high = task.return_bounds
    return {
        "name": entry.name,
        "observation": in_short(task.observation_space),
        "action": in_short(task.action_space),
        "length": task.max_episode_length,
        "return": f"{low:.3g} to {high:.3g}",
        "description": entry.family.description(),
        "id": entry.id,
    }


def in_short(space: Space) -> str:
    """Return a space in a few characters: its kind and its shape or counts, without bounds."""
    if isinstance(space, Tuple):
        return " × ".join(in_short(part) for part in space.spaces)
    if isinstance(space, MultiDiscrete) and (space.nvec == space.nvec.flat[0]).all():
        return f"MultiDiscrete({space.nvec.flat[0]} × {space.nvec.size})"
    return str(space) if isinstance(space, Discrete) else f"{type(space).__name__}{space.shape}"


def register(family: type[Family]) -> tuple[type[POPGymEnv], ...]:
    """Register a family of your own: create its classes, ids and vector environments.

    CorridorFamily with the presets Easy and Hard gives the classes Corridor, CorridorEasy and
    CorridorHard in the family's module, and the ids popgym-Corridor-v0 and so on for
    ``gymnasium.make`` and ``make_vec``. On the command line they are called my_module:CorridorEasy.
    The class of a level is a subclass of the class without a level. A family that is registered
    again replaces the earlier one. The groups and the table do not change.

    Args:
        family: The family; its name ends in Family.

    Returns:
        The classes of v0: first the one without a level, then those of the presets in order.

    Raises:
        TypeError: If ``family`` is not a subclass of ``popgym.core.Family``.
        ValueError: If its name does not end in Family, or another family has one of the names.
    """
    if not isinstance(family, type) or not issubclass(family, Family):
        raise TypeError(f"register takes a subclass of popgym.core.Family, got {family!r}")
    if base_name(family) in ("", family.__name__):
        raise ValueError(
            f"a family's name must end in Family, got {family.__name__!r}: the environments of "
            "CorridorFamily are Corridor, CorridorEasy and so on"
        )
    levels, versions = dict.fromkeys(("", *family.presets)), ("v0", *family.versions)
    for name in (class_name(family, level, v) for level in levels for v in versions):
        other = ENTRIES[name].family if name in ENTRIES else family
        if (other.__module__, other.__name__) != (family.__module__, family.__name__):
            raise ValueError(f"there is already an environment {name}, in {other.__module__}")
    entries = publish_all([family], levels, ENTRIES)
    ENTRIES.update(entries)
    return tuple(entry.env_class for entry in entries.values() if entry.version == "v0")


def find(env: str | type[POPGymEnv]) -> Entry:
    """Return the entry of an environment.

    Args:
        env: A class, its name (RepeatPreviousEasy) or an id (popgym-RepeatPreviousEasy-v0).

    Raises:
        ValueError: If no environment has that name; the message suggests the nearest.
        TypeError: If it is something else, such as an environment instance.
    """
    if not isinstance(env, (str, type)):
        raise TypeError(f"env must be the name or the class of an environment, got {env!r}")
    name = env if isinstance(env, str) else env.__name__
    by_id = {env_id: entry for entry in ENTRIES.values() for env_id in entry.ids}
    found = ENTRIES.get(name) or by_id.get(name)
    if found is None:
        raise ValueError(unknown("environment", name, by_id if "-" in name else ENTRIES))
    return found


def lookup(name: str) -> str:
    """Return the id of an environment.

    Args:
        name: The name of its class, or its id.

    Raises:
        ValueError: If no environment has that name; the message suggests the nearest.
    """
    return find(name).id


def memory_needed(env: str | type[POPGymEnv], **arguments: Any) -> int | None:
    """Return how many steps back an agent must see to play perfectly, or None if unknown.

    Args:
        env: A name, id or class.
        **arguments: Arguments of the constructor that differ from the preset.
    """
    limit = read_limit(arguments.pop("max_episode_steps", None))
    needed = find(env).task(**arguments).memory_needed()
    return needed if needed is None or limit is None else min(needed, limit - 1)
