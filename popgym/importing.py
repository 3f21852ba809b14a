"""Modules of a user's own, as named in ``module:Class``.

It stands beside the rooms, for environments and memories are found through it alike.
"""

from __future__ import annotations

import traceback
from importlib import import_module
from types import ModuleType


class UserModuleError(ValueError):
    """A module that a name refers to cannot be imported, or lacks what the name says."""


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
            f"{type(error).__name__}: {error}{_place(error)}; mend the module or install what it "
            "needs"
        ) from error


def _place(error: BaseException) -> str:
    """Where it was raised; a SyntaxError says so itself."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [f for f in frames if f.filename != __file__ and "importlib" not in f.filename]
    if isinstance(error, SyntaxError) or not theirs:
        return ""
    return f" ({theirs[-1].filename}, line {theirs[-1].lineno})"
