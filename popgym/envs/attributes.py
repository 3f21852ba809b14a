"""A task's arguments as attributes of its environments, as they were in POPGym 1."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from popgym.core.family import Family
from popgym.core.rules import Record


class Argument:
    """An argument of a family, to be read on its environments: `env.k`.

    Args:
        name: The argument's.
        default: Its value where it is not given.
    """

    def __init__(self, name: str, default: Any) -> None:
        self.name, self.default = name, default
        self.__doc__ = f"The argument `{name}`."

    def __get__(self, env: Any, env_class: type | None = None) -> Any:
        """The argument's value; on the class, this descriptor."""
        if env is None:
            return self
        given = vars(env).get("_arguments", {}).get(self.name, self.default)
        return vars(env.family).get(self.name, given)

    def __set__(self, env: Any, value: Any) -> None:
        """Refuses another value; a subclass may set the same, also before its constructor does.

        Raises:
            AttributeError: It is another value.
        """
        if "family" in vars(env) and not np.array_equal(value, getattr(env, self.name)):
            raise AttributeError(
                f"{self.name} of an environment cannot be changed: make a new environment with "
                f"{self.name}={value!r}"
            )


class View:
    """What an environment shows of its hidden state under a name of POPGym 1: `env.board`.

    Args:
        read: Makes the value of the task and the environment's record.
    """

    def __init__(self, read: Callable[[Any, Record], Any]) -> None:
        self.read = read

    def __get__(self, env: Any, env_class: type | None = None) -> Any:
        """The value now; on the class, this descriptor."""
        return self if env is None else self.read(env.family, env._batch.records[0])


def attributes(family: type[Family], env_class: type) -> dict[str, Argument]:
    """The arguments of a family as attributes of its environments.

    Names that all environments use, such as `max_episode_length`, are left out.
    """
    taken = {*dir(env_class), *inspect.signature(env_class).parameters}
    taken |= {name for each in env_class.__mro__ for name in inspect.get_annotations(each)}
    parameters = inspect.signature(family).parameters.items()
    return {name: Argument(name, p.default) for name, p in parameters if name not in taken}
