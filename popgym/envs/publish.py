"""From a family's preset: the two classes of an environment, and its gymnasium id."""

import inspect
import sys
from dataclasses import dataclass
from typing import Any

import gymnasium

from popgym.core.env import POPGymEnv
from popgym.core.family import Family
from popgym.core.nearest import unknown
from popgym.core.vector import POPGymVectorEnv


@dataclass(frozen=True)
class Entry:
    """One registered environment."""

    name: str
    """The class's name, for example RepeatPreviousEasy."""
    ids: tuple[str, ...]
    """gymnasium's id, for example popgym-RepeatPreviousEasy-v0, and other spellings of it."""
    level: str
    """Easy, Medium, Hard, or nothing for the class without suffix."""
    version: str
    """v0 for the published rules."""
    family: type[Family]
    arguments: dict[str, Any]
    """The arguments of the family that this level and version stand for."""
    env_class: type[POPGymEnv]
    vector_class: type[POPGymVectorEnv]

    @property
    def id(self) -> str:
        """The first spelling of the id, the published one."""
        return self.ids[0]

    def task(self, **arguments: Any) -> Family:
        """The family with this level's arguments, some of them replaced."""
        return make_family(self.name, self.family, self.arguments, (), arguments)


def make_family(
    name: str, family: type[Family], preset: dict[str, Any], args: tuple, kwargs: dict[str, Any]
) -> Family:
    """A family from a preset and the arguments of an environment's constructor.

    Raises:
        TypeError: An argument is unknown, or one too many; the message says what is allowed.
        ValueError: An argument's value is wrong.
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
        raise TypeError(f"{name} got {twice} twice, by place and by name")
    return family(**{**preset, **named, **kwargs})


def base_name(family: type[Family]) -> str:
    """The name that a family's environments have in common."""
    return family.__name__.removesuffix("Family")


def class_name(family: type[Family], level: str, version: str = "v0") -> str:
    """The name of the class of an environment, for example RepeatPreviousEasy."""
    return base_name(family) + level + ("" if version == "v0" else version.upper())


def publish(family: type[Family], level: str, version: str = "v0") -> Entry:
    """Makes a level's two classes, puts them into the family's module, registers its ids.

    The classes of a later version carry it in their names, as in RepeatPreviousEasyV1.
    """
    base, name = base_name(family), class_name(family, level, version)
    preset = {**family.presets.get(level, {}), **family.versions.get(version, {})}
    env_class, vector_class = env_of(name, family, preset), vector_of(name, family, preset)
    module = sys.modules[family.__module__]
    for made in (env_class, vector_class):
        made.__module__, made.__doc__ = module.__name__, family.__doc__
        setattr(module, made.__name__, made)
    spellings = dict.fromkeys((family.id_name or base, base))
    ids = tuple(f"popgym-{spelling}{level}-{version}" for spelling in spellings)
    for env_id in ids:
        gymnasium.registry.pop(env_id, None)  # a notebook's cell is run more than once
        gymnasium.register(
            env_id,
            f"{module.__name__}:{env_class.__name__}",
            vector_entry_point=f"{module.__name__}:{vector_class.__name__}",
            order_enforce=False,
            disable_env_checker=True,
        )
    return Entry(name, ids, level, version, family, preset, env_class, vector_class)


def env_of(name: str, family: type[Family], preset: dict[str, Any]) -> type[POPGymEnv]:
    """The class of a single environment of one level."""

    def __init__(  # noqa: N807
        self: POPGymEnv, *args: Any, render_mode: str | None = None, **kwargs: Any
    ) -> None:
        task = make_family(name, family, preset, args, kwargs)
        POPGymEnv.__init__(self, task, render_mode)

    return type(
        name, (POPGymEnv,), {"__init__": __init__, "__signature__": signature(family, preset)}
    )


def vector_of(name: str, family: type[Family], preset: dict[str, Any]) -> type[POPGymVectorEnv]:
    """The class of a vector environment of one level."""
    own = set(inspect.signature(POPGymVectorEnv).parameters) - {"family"}

    def __init__(  # noqa: N807
        self: POPGymVectorEnv, num_envs: int = 1, *args: Any, **kwargs: Any
    ) -> None:
        options = {key: kwargs.pop(key) for key in own & kwargs.keys()}
        task = make_family(name, family, preset, args, kwargs)
        POPGymVectorEnv.__init__(self, task, num_envs, **options)

    return type(f"{name}Vector", (POPGymVectorEnv,), {"__init__": __init__})


def signature(family: type[Family], preset: dict[str, Any]) -> inspect.Signature:
    """A single environment's constructor as help() shows it, with the level's defaults."""
    parameters = [
        p.replace(default=preset.get(name, p.default))
        for name, p in inspect.signature(family).parameters.items()
    ]
    mode = inspect.Parameter("render_mode", inspect.Parameter.KEYWORD_ONLY, default=None)
    return inspect.Signature([*parameters, mode])
