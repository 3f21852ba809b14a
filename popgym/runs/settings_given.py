"""Settings as users write them: KEY=VALUE on the command line, a file, or several layers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
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


def parse_assignments(texts: Iterable[str]) -> dict[str, Any]:
    """Parse every ``key=value`` of the command line.

    Raises:
        ValueError: As ``parse_assignment``, or if a key is given twice.
    """
    return _each_once(parse_assignment(text) for text in texts)


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
        values = _json(text) if Path(path).suffix == ".json" else _yaml(text)
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read settings from {path}: {error}") from error
    if isinstance(values, dict):
        values = values.get("settings", values)
    if not isinstance(values, dict):
        raise ValueError(f"{path} must contain a table of settings, got {type(values).__name__}")
    return values


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_each_once)


def _each_once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs as a table.

    Raises:
        ValueError: If a key is there twice.
    """
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(
                f"{key} is given twice, as {found[key]!r} and as {value!r}: remove one of them"
            )
        found[key] = value
    return found


_WHOLE_FLOAT = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)[eE][-+]?\d+$")
"""Numbers with an exponent, of which YAML 1.1 knows only some forms."""


def _yaml(text: str) -> Any:
    """Read YAML safely, with numbers such as 1e-3, which are texts in YAML 1.1."""
    import yaml  # comes with Ray

    class Loader(yaml.SafeLoader):
        pass

    def table(loader: Any, node: Any) -> dict[str, Any]:
        pairs = loader.construct_pairs(node, deep=True)
        return _each_once(pairs)

    Loader.add_implicit_resolver("tag:yaml.org,2002:float", _WHOLE_FLOAT, list("-+0123456789."))
    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, table)
    try:
        return yaml.load(text, Loader)  # a SafeLoader: it makes plain data only
    except yaml.YAMLError as error:
        raise ValueError(str(error).replace("\n", " ")) from error
