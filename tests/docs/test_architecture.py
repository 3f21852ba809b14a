"""The page on the architecture names files that exist, with what it says is in them."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PATH = re.compile(r"`((?:popgym|tests|docs|benchmarks)/[\w./]*)`")
CONTENTS = re.compile(r"`(popgym/[\w/]+\.py)`\s+\(((?:`\w+`(?:,\s+)?)+)\)")


def defined(path):
    """The classes, functions and methods of a file."""
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_every_path_named_exists():
    paths = set(PATH.findall(PAGE))
    assert len(paths) > 30
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_every_class_and_function_named_beside_a_file_is_in_it():
    named = [(path, set(re.findall(r"\w+", names))) for path, names in CONTENTS.findall(PAGE)]
    assert len(named) > 15
    assert {path: lost for path, names in named if (lost := names - defined(path))} == {}
