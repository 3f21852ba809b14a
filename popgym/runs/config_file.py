"""The file config.json of a run folder: its settings, versions and the time of its creation."""

from __future__ import annotations

import json
import platform
import time
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from popgym.runs.errors import describe, one_line
from popgym.runs.files import write_text
from popgym.runs.settings import NETWORK_BEFORE_3, UNRECORDED_TIME_UNIT, Settings
from popgym.runs.signature import signed_names

_PACKAGES = ("popgym", "torch", "ray", "gymnasium", "numpy", "numba")


def write_config(path: Path, settings: Settings) -> None:
    """Write the settings into a config.json, which keeps the time that it has."""
    write_text(path, config_text(settings, _created(path)))


def config_text(settings: Settings, created: str | None = None) -> str:
    """Return the text of a config.json; without a time, of one that is created now."""
    created = created or time.strftime("%Y-%m-%dT%H:%M:%S%z")
    data = {"settings": settings.as_dict(), "versions": _versions(), "created": created}
    data |= signed_names(settings.code)
    return json.dumps(data, indent=2) + "\n"


def read_config(path: Path) -> Settings:
    """Return the settings in a config.json, as the current version of popgym names them.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged; the message says in which way.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return _with_time_unit(Settings.from_dict(_current(data["settings"])))
    except FileNotFoundError:
        raise
    except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError, OSError) as error:
        plain = isinstance(error, (ValueError, TypeError, OSError))
        what = one_line(str(error)) if plain else describe(error)
        raise ValueError(f"{path} is damaged ({what})") from error


def _created(path: Path) -> str | None:
    try:
        return json.loads(path.read_text(encoding="utf-8")).get("created")
    except (OSError, ValueError, AttributeError):  # there is none, or it is damaged
        return None


def _current(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings as the current version names them, with the values that they had."""
    if not isinstance(settings, dict) or "normalise_rewards" in settings:
        return settings  # Settings refuses what is not a table
    # Written before rewards and observations were normalised.
    network = {**settings.get("network", {}), **NETWORK_BEFORE_3}
    kept = {name: value for name, value in settings.items() if name != "value_clip"}
    without = {"normalise_rewards": False, "normalise_observations": False, "action_masks": False}
    return {**kept, **without, "network": network}


def _with_time_unit(settings: Settings) -> Settings:
    """Fill in the unit of the time embedding for runs of earlier versions, which recorded none."""
    network, unit = settings.network, "embedding_max_steps"
    if network.get("embedding") in (None, "none") or network.get(unit) is not None:
        return settings
    return replace(settings, network={**network, unit: UNRECORDED_TIME_UNIT})


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
