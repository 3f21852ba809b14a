"""Imports flow downward: each room is imported in a fresh process without the rooms above it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# A finder that stands before all others and refuses the modules named; a bare parent package, so
# that importing a room does not open popgym's shop window first.
PROLOGUE = """
import importlib, importlib.abc, pkgutil, sys, types

class Closed(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if any(name == door or name.startswith(door + ".") for door in {closed!r}):
            raise ImportError(f"{{name}} is above this room")

sys.meta_path.insert(0, Closed())
sys.path.insert(0, {root!r})
popgym = types.ModuleType("popgym")
popgym.__path__ = [{root!r} + "/popgym"]
sys.modules["popgym"] = popgym

def visit(name):
    module = importlib.import_module(name)
    for found in pkgutil.iter_modules(getattr(module, "__path__", []), name + "."):
        visit(found.name)
"""

ABOVE_TESTING = ["popgym.runs", "popgym.baselines", "popgym.cli", "ray"]
# room -> what is above it, or beside it and none of its business
ROOMS = {
    "core": [
        "popgym.envs", "popgym.wrappers", "popgym.players", "popgym.memory", "popgym.testing",
        "torch", "numba",
    ],
    "envs": [
        "popgym.wrappers", "popgym.players", "popgym.memory", "popgym.testing", "torch", "numba",
    ],
    "wrappers": [
        "popgym.envs", "popgym.players", "popgym.memory", "popgym.testing", "torch", "numba",
    ],
    "players": ["popgym.wrappers", "popgym.memory", "popgym.testing", "torch", "numba"],
    "memory": [
        "popgym.core", "popgym.envs", "popgym.wrappers", "popgym.players", "popgym.testing",
        "gymnasium", "numba",
    ],
    "testing": [],
    "runs": ["popgym.testing"],
    "play": ["popgym.testing", "torch", "numba"],
    "baselines": ["popgym.testing"],
    "cli": [
        "popgym.core", "popgym.envs", "popgym.wrappers", "popgym.players", "popgym.memory",
        "popgym.testing", "popgym.play", "gymnasium", "numpy", "torch", "numba",
    ],
}  # fmt: skip
NOT_ABOVE = {
    "runs": {"popgym.runs"},
    "play": {"popgym.runs"},
    "baselines": {"popgym.runs", "popgym.baselines", "ray"},
    "cli": {"popgym.cli"},
}


def python(code):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_needs_none_above_it(room):
    closed = [*ROOMS[room], *(d for d in ABOVE_TESTING if d not in NOT_ABOVE.get(room, ()))]
    prologue = PROLOGUE.format(closed=closed, root=str(ROOT))
    out = python(prologue + f"visit('popgym.{room}'); print(*sys.modules)")
    opened = {name for name in out.split() if f"{name}.".startswith(f"popgym.{room}.")}
    there = [path for path in (ROOT / "popgym" / room).rglob("*.py")]
    assert len(opened) == len(there)


def test_the_blocking_of_doors_is_real():
    prologue = PROLOGUE.format(closed=["popgym.memory"], root=str(ROOT))
    with pytest.raises(AssertionError, match=r"popgym\.memory is above this room"):
        python(prologue + "visit('popgym.runs')")


def test_every_room_is_looked_at():
    rooms = {path.parent.name for path in (ROOT / "popgym").glob("*/__init__.py")}
    assert rooms == ROOMS.keys()


@pytest.mark.parametrize("module", ["popgym", "popgym.cli", "popgym.testing", "popgym.wrappers"])
def test_importing_it_brings_in_none_of_the_heavy_libraries(module):
    heavy = ["torch", "ray", "numba", "matplotlib", "rich", "pandas", "tensorboardX", "safetensors"]
    loaded = python(f"import sys, {module}; print(*(set({heavy}) & sys.modules.keys()))")
    assert loaded.split() == []


def test_the_shop_window_names_all_that_it_has_and_finds_it_when_asked():
    code = "import popgym; print(*[n for n in popgym.__all__ if n not in dir(popgym)], '.')"
    assert python(code).split() == ["."]
    assert python("import popgym, sys; popgym.load; print('ray' in sys.modules)") == "False\n"


def test_listing_the_environments_needs_neither_torch_nor_ray():
    code = "import sys; sys.modules.update(torch=None, ray=None); import popgym.cli as c"
    assert "RepeatPreviousEasy" in python(f"{code}; c.main(['envs'])")
