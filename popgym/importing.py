"""Imports a user's own modules, as named in ``module:Class``.

It lies outside the rooms because environments, wrappers and memories all use it.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from sysconfig import get_paths
from types import ModuleType
from typing import Any

_folders: list[str] = []  # see search_also


class UserModuleError(ValueError):
    """Error for a module that cannot be imported, or does not contain the named class."""


def search_also(folder: str) -> None:
    """Let a user's modules be found in a folder too, after all other places.

    The folder joins ``sys.path`` only when ``import_user_module`` is called. Until then no file in
    it can be taken for a package that popgym or one of its libraries tries to import.
    """
    if folder not in _folders:
        _folders.append(folder)


class _InstalledFirst(list[str]):
    """A search path that grows only at its end."""

    def insert(self, index: Any, folder: str) -> None:
        self.append(folder)


def installed_first() -> None:
    """Let folders that are put before all others on ``sys.path`` come last.

    In a process that Ray starts, these are the working folder and that of the program.
    """
    sys.path = _InstalledFirst(sys.path)


def import_user_module(wanted: str, module_name: str) -> ModuleType:
    """Import the module of a user's environment or memory.

    Args:
        wanted: What the module is needed for, for the error message, such as
            ``memory 'my_package.memory:Mine'``.
        module_name: The name of the module.

    Raises:
        UserModuleError: If there is no such module, or if importing it raises an exception.
    """
    sys.path.extend(folder for folder in _folders if folder not in sys.path)
    return import_package(wanted, module_name)


def import_package(wanted: str, module_name: str) -> ModuleType:
    """Import an installed package.

    Args:
        wanted: As in ``import_user_module``.
        module_name: The name of the package.

    Raises:
        UserModuleError: As in ``import_user_module``.
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


def place_of(module_name: str) -> str | None:
    """Return from where a module would be imported, without importing it.

    For ``package.module`` that is the file of the package.

    Returns:
        An absolute path without symbolic links; "?" for a module that comes from no file; None if
        there is no such module.
    """
    top = module_name.partition(".")[0]
    try:
        spec = find_spec(top) or PathFinder.find_spec(top, _folders)
    except (ImportError, ValueError):  # no name of a module, or a module made by hand
        return "?"
    if spec is None:
        return None
    places = [spec.origin] if spec.has_location else list(spec.submodule_search_locations or ())
    return str(Path(places[0]).resolve()) if places and places[0] else "?"


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
    """Return where the error was raised, or "" for a SyntaxError, whose message says it.

    If a library raised it, that is the line of the user's code that called the library.
    """
    whole = traceback.extract_tb(error.__traceback__)
    frames = [f for f in whole if f.filename != __file__ and "importlib" not in f.filename]
    if isinstance(error, SyntaxError) or not frames:
        return ""
    libraries = tuple(get_paths()[name] for name in ("stdlib", "platlib", "purelib"))
    theirs = [f for f in frames if not f.filename.startswith(libraries)]
    place = (theirs or frames)[-1]
    return f" ({place.filename}, line {place.lineno})"
