"""Settings as users write them: KEY=VALUE on the command line, a file, or several layers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SECTIONS = {"env": "env_options", "memory": "memory_options", "network": "network"}


def parse_assignment(text: str) -> tuple[str, Any]:
    """Parse one ``key=value`` of the command line.

    Returns:
        The key, and the value: parsed as JSON where possible, otherwise the text itself.

    Raises:
        ValueError: If the text has no key or no equals sign.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ValueError(f"--set takes key=value, such as lr=0.001, got {text!r}")
    try:
        return key.strip(), json.loads(value)
    except json.JSONDecodeError:
        return key.strip(), value


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Merge mappings of settings; later ones override earlier ones.

    A key such as ``memory.stack_size`` sets one entry of ``memory_options``.

    Raises:
        TypeError: If such an entry is set in something that is not a table.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            section, dot, name = str(key).partition(".")
            whole = _SECTIONS.get(section)
            if dot and whole:
                table = merged.get(whole, {})
                if not isinstance(table, Mapping):
                    raise TypeError(
                        f"{whole} must be a table, so that {key} can be set in it, got {table!r}"
                    )
                merged[whole] = {**table, name: value}
            else:
                merged[key] = value
    return merged


def read_settings_file(path: str | Path) -> dict[str, Any]:
    """Read settings from a JSON or YAML file, or from the ``config.json`` of a run folder.

    Raises:
        ValueError: If the file cannot be read, or does not contain a table of settings.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        values = json.loads(text) if Path(path).suffix == ".json" else _yaml(text)
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read settings from {path}: {error}") from error
    if isinstance(values, dict):
        values = values.get("settings", values)
    if not isinstance(values, dict):
        raise ValueError(f"{path} must contain a table of settings, got {type(values).__name__}")
    return values


def _yaml(text: str) -> Any:
    import yaml  # comes with Ray

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error).replace("\n", " ")) from error
