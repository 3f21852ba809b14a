"""Imports a user's own modules, as named in ``module:Class``.

It lies outside the rooms because environments, wrappers and memories all use it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any


class UserModuleError(ValueError):
    """Error for a module that cannot be imported, or does not contain the named class."""


def import_user_module(wanted: str, module_name: str) -> ModuleType:
    """Import the module of a user's environment or memory.

    Args:
        wanted: What needs the module, for the message: ``memory 'my_package.memory:Mine'``.
        module_name: The module.

    Raises:
        UserModuleError: If there is no such module, or importing it raises anything.
    """
    try:
        return import_module(module_name)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{module_name}.".startswith(f"{missing}."):
            raise UserModuleError(
                f"{wanted}: cannot import module {module_name!r} ({error}); run from the folder "
                "that holds it or install it"
            ) from error
        raise UserModuleError(
            f"{wanted}: cannot import module {module_name!r}, which raises "
            f"{type(error).__name__}: {error}{_place(error)}; fix the module or install what it "
            "needs"
        ) from error


def find_in_user_module(
    wanted: str, module_name: str, name: str, fits: Callable[[Any], bool], kind: str
) -> Any:
    """Return an attribute of a user's module.

    Args:
        wanted: What needs the attribute, for the message: ``wrapper 'my_package.wraps:Mine'``.
        module_name: The module.
        name: The attribute's name.
        fits: Whether the attribute is of the kind that is needed.
        kind: What the attribute must be, for the message: ``a gymnasium.Env class``.

    Raises:
        UserModuleError: If the module cannot be imported.
        ValueError: If the module has no such attribute, or the attribute does not fit.
    """
    found = getattr(import_user_module(wanted, module_name), name, None)
    if found is not None and fits(found):
        return found
    what = "has no such name" if found is None else f"has a {type(found).__name__} there"
    raise ValueError(f"{wanted}: module {module_name!r} {what}; it must be {kind}")


def _place(error: BaseException) -> str:
    """Return where the error was raised, or "" for a SyntaxError, whose message says it."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [f for f in frames if f.filename != __file__ and "importlib" not in f.filename]
    if isinstance(error, SyntaxError) or not theirs:
        return ""
    return f" ({theirs[-1].filename}, line {theirs[-1].lineno})"
