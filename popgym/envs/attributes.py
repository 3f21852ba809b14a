"""A task's arguments as attributes of its environments, as in POPGym 1."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from popgym.core.family import Family
from popgym.core.rules import Record


class Argument:
    """An argument of a family as an attribute of its environments, such as ``env.k``.

    Args:
        name: The name of the argument.
        default: Its value where it is not given.
    """

    def __init__(self, name: str, default: Any) -> None:
        self.name, self.default = name, default
        self.__doc__ = f"The argument ``{name}``."

    def __get__(self, env: Any, env_class: type | None = None) -> Any:
        """Return the argument's value; on the class, return this descriptor."""
        if env is None:
            return self
        given = vars(env).get("_arguments", {}).get(self.name, self.default)
        return vars(env.family).get(self.name, given)

    def __set__(self, env: Any, value: Any) -> None:
        """Accept the value that the argument already has, and refuse any other.

        A subclass may set the same value, also before it calls the constructor of its base class.

        Raises:
            AttributeError: If the value differs.
        """
        if "family" in vars(env) and not np.array_equal(value, getattr(env, self.name)):
            raise AttributeError(
                f"{self.name} of an environment cannot be changed: make a new environment with "
                f"{self.name}={value!r}"
            )


class View:
    """A part of the hidden state as an attribute with its name in POPGym 1, such as ``env.board``.

    Args:
        read: A function that computes the value from the task and the environment's record.
    """

    def __init__(self, read: Callable[[Any, Record], Any]) -> None:
        self.read = read

    def __get__(self, env: Any, env_class: type | None = None) -> Any:
        """Return the current value; on the class, return this descriptor."""
        return self if env is None else self.read(env.family, env._batch.records[0])


def attributes(family: type[Family], env_class: type) -> dict[str, Argument]:
    """Return the arguments of a family as attributes of its environments.

    Names that every environment has, such as ``max_episode_length``, are left out.

    Args:
        family: The family.
        env_class: The base class of its environments.
    """
    taken = {*dir(env_class), *inspect.signature(env_class).parameters}
    taken |= {name for each in env_class.__mro__ for name in inspect.get_annotations(each)}
    parameters = inspect.signature(family).parameters.items()
    return {name: Argument(name, p.default) for name, p in parameters if name not in taken}
