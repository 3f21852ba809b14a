"""Import of a user's own modules, which are named as ``module:Class``.

This module is in no subpackage, because it is used for environments and for memories.
"""

from __future__ import annotations

import traceback
from importlib import import_module
from types import ModuleType


class UserModuleError(ValueError):
    """Error raised if a user's module cannot be imported or lacks the named class."""


def import_user_module(wanted: str, module_name: str) -> ModuleType:
    """Import the module of a user's environment or memory.

    Args:
        wanted: What the module is needed for, for the error message, such as
            ``memory 'my_package.memory:Mine'``.
        module_name: The name of the module.

    Raises:
        UserModuleError: If there is no such module, or if importing it raises an exception.
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


def _place(error: BaseException) -> str:
    """Return the place of the error in the user's code; empty for a SyntaxError, which names it."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [f for f in frames if f.filename != __file__ and "importlib" not in f.filename]
    if isinstance(error, SyntaxError) or not theirs:
        return ""
    return f" ({theirs[-1].filename}, line {theirs[-1].lineno})"
