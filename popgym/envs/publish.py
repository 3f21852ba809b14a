"""Turn the presets of families into environment classes and gymnasium ids."""

import inspect
import itertools
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium

from popgym.core.arguments import unknown
from popgym.core.env import POPGymEnv
from popgym.core.family import Family
from popgym.core.vector import POPGymVectorEnv
from popgym.envs.attributes import View, attributes


@dataclass(frozen=True)
class Entry:
    """One registered environment."""

    name: str
    """The name of the class, for example RepeatPreviousEasy."""
    ids: tuple[str, ...]
    """The gymnasium id, for example popgym-RepeatPreviousEasy-v0, then other spellings of it."""
    level: str
    """Easy, Medium, Hard, or "" for the class without suffix."""
    version: str
    """v0 for the published rules."""
    family: type[Family]
    arguments: dict[str, Any]
    """The arguments of the family for this level and version."""
    env_class: type[POPGymEnv]
    vector_class: type[POPGymVectorEnv]

    @property
    def id(self) -> str:
        """The first spelling of the id, the published one."""
        return self.ids[0]

    def task(self, **arguments: Any) -> Family:
        """Return the family with this level's arguments, some of them replaced."""
        given = read_arguments(self.name, self.family, self.arguments, (), arguments)
        return self.family(**given)


def read_arguments(
    name: str, family: type[Family], preset: dict[str, Any], args: tuple, kwargs: dict[str, Any]
) -> dict[str, Any]:
    """Combine a preset with the arguments of an environment's constructor.

    Args:
        name: The name of the environment, for messages.
        family: The family.
        preset: The arguments of the preset.
        args: The positional arguments of the constructor.
        kwargs: The keyword arguments of the constructor.

    Returns:
        The arguments of the family by name.

    Raises:
        TypeError: If an argument is unknown or given twice, or if there are too many; the message
            says what is allowed.
    """
    allowed = list(inspect.signature(family).parameters)
    for key in kwargs:
        if key not in allowed:
            raise TypeError(f"{name}: {unknown('argument', key, allowed)}")
    if len(args) > len(allowed):
        raise TypeError(f"{name} takes the arguments {allowed}, got {len(args)} values")
    named = dict(zip(allowed, args, strict=False))
    twice = sorted(named.keys() & kwargs.keys())
    if twice:
        raise TypeError(f"{name} got {twice} twice, by position and by name")
    return {**preset, **named, **kwargs}


def base_name(family: type[Family]) -> str:
    """Return the name that all environments of a family begin with."""
    return family.__name__.removesuffix("Family")


def class_name(family: type[Family], level: str, version: str = "v0") -> str:
    """Return the class name of an environment, for example RepeatPreviousEasy."""
    return base_name(family) + level + ("" if version == "v0" else version.upper())


def publish_all(
    families: Iterable[type[Family]], levels: Iterable[str], known: Mapping[str, Entry]
) -> dict[str, Entry]:
    """Publish the levels of some families in all of their versions, level by level.

    Args:
        families: The families; a base class comes before its subclasses.
        levels: The levels; the first is "".
        known: The entries published before, by name.

    Returns:
        The new entries by name.
    """
    made: dict[str, Entry] = {}
    for level, family in itertools.product(levels, families):
        for version in ("v0", *family.versions):
            parent = parent_of(family, level, version, {**known, **made})
            entry = publish(family, level, version, parent)
            made[entry.name] = entry
    return made


def parent_of(
    family: type[Family], level: str, version: str, known: Mapping[str, Entry]
) -> Entry | None:
    """Return the entry whose classes are the base classes of a level's classes.

    RepeatPreviousEasy is a subclass of RepeatPrevious. LabyrinthEscapeEasyV1 is a subclass of
    LabyrinthEscapeV1, and this of LabyrinthEscape. If a family is a subclass of another published
    family, so are its environments.

    Args:
        family: The family.
        level: One of its presets, or "".
        version: "v0" or one of its versions.
        known: The entries published so far, by name.

    Returns:
        The entry, or None if there is no such base class.
    """
    if level or version != "v0":
        return known[class_name(family, "", version if level else "v0")]
    for base in family.__mro__[1:]:
        entry = known.get(base_name(base))
        if entry is not None and entry.family is base:
            return entry
    return None


def publish(family: type[Family], level: str, version: str, parent: Entry | None) -> Entry:
    """Create the two classes of a level in the family's module and register its ids.

    The names of the classes of a later version end in it, as in RepeatPreviousEasyV1.

    Args:
        family: The family.
        level: One of its presets, or "".
        version: "v0" or one of its versions.
        parent: The entry whose classes are the base classes of the new ones.
    """
    base, name = base_name(family), class_name(family, level, version)
    preset = {**family.presets.get(level, {}), **family.versions.get(version, {})}
    parents = (parent.env_class, parent.vector_class) if parent else (POPGymEnv, POPGymVectorEnv)
    env_class = env_of(name, family, preset, parents[0])
    vector_class = vector_of(name, family, preset, parents[1])
    module = sys.modules[family.__module__]
    for made in (env_class, vector_class):
        made.__module__, made.__doc__ = module.__name__, family.__doc__
        setattr(module, made.__name__, made)
    spellings = dict.fromkeys((family.id_name or base, base))
    ids = tuple(f"popgym-{spelling}{level}-{version}" for spelling in spellings)
    for env_id in ids:
        gymnasium.registry.pop(env_id, None)  # the cell of a notebook may run more than once
        gymnasium.register(
            env_id,
            f"{module.__name__}:{env_class.__name__}",
            vector_entry_point=f"{module.__name__}:{vector_class.__name__}",
            order_enforce=False,
            disable_env_checker=True,
        )
    return Entry(name, ids, level, version, family, preset, env_class, vector_class)


def env_of(
    name: str, family: type[Family], preset: dict[str, Any], parent: type[POPGymEnv]
) -> type[POPGymEnv]:
    """Create the class of a level's single environment."""
    own = set(inspect.signature(POPGymEnv).parameters) - {"family"}

    def __init__(self: POPGymEnv, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        options = {key: kwargs.pop(key) for key in own & kwargs.keys()}
        self._arguments = read_arguments(name, family, preset, args, kwargs)
        POPGymEnv.__init__(self, family(**self._arguments), **options)

    __init__.__signature__ = signature(family, preset)  # type: ignore[attr-defined]
    shown: dict[str, Any] = {key: View(read) for key, read in family.views.items()}
    shown.update(attributes(family, POPGymEnv), __init__=__init__)
    return type(name, (parent,), shown)


def vector_of(
    name: str, family: type[Family], preset: dict[str, Any], parent: type[POPGymVectorEnv]
) -> type[POPGymVectorEnv]:
    """Create the class of a level's vector environment."""
    own = set(inspect.signature(POPGymVectorEnv).parameters) - {"family"}

    def __init__(  # noqa: N807
        self: POPGymVectorEnv, num_envs: int = 1, *args: Any, **kwargs: Any
    ) -> None:
        options = {key: kwargs.pop(key) for key in own & kwargs.keys()}
        self._arguments = read_arguments(name, family, preset, args, kwargs)
        POPGymVectorEnv.__init__(self, family(**self._arguments), num_envs, **options)

    methods = {**attributes(family, POPGymVectorEnv), "__init__": __init__}
    return type(f"{name}Vector", (parent,), methods)


def signature(family: type[Family], preset: dict[str, Any]) -> inspect.Signature:
    """Return the signature of a single environment's constructor, with the level's defaults."""
    parameters = [
        p.replace(default=preset.get(name, p.default))
        for name, p in inspect.signature(family).parameters.items()
    ]
    options = [
        p.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, p in inspect.signature(POPGymEnv).parameters.items()
        if name != "family"
    ]
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    return inspect.Signature([this, *parameters, *options])
