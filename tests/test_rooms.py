"""Imports flow downward: each room is imported in a fresh process without the rooms above it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Room -> the rooms that it may import. docs/architecture.md draws them, and a test compares.
ARGUMENTS = "core.arguments"  # the one file of core that needs nothing else of it
ROOMS = {
    "render": [ARGUMENTS],
    "core": ["render"],
    "spaces": ["core", "render"],
    "envs": ["core", "render"],
    "wrappers": ["core", "render", "spaces"],
    "players": ["core", "render", "envs"],
    "memory": [ARGUMENTS],
    "networks": [ARGUMENTS, "memory"],
    "testing": ["core", "render", "spaces", "envs", "wrappers", "players", "memory"],
    "runs": ["core", "render", "spaces", "envs", "wrappers", "memory", "networks"],
    "play": [
        "core", "render", "spaces", "envs", "wrappers", "players", "memory", "networks", "runs",
    ],
    "pages": ["runs"],
    "insight": [
        "core", "render", "spaces", "envs", "wrappers", "memory", "networks", "runs", "pages",
    ],
    "baselines": ["core", "render", "spaces", "envs", "wrappers", "memory", "networks", "runs"],
    "benchmark": [
        "core", "render", "spaces", "envs", "wrappers", "memory", "networks", "runs", "pages",
        "insight", "baselines",
    ],
    "cli": [],  # imports what a subcommand needs when it is called
}  # fmt: skip

# Library -> the rooms that may import it.
LIBRARIES = {
    "torch": {"memory", "networks", "testing", "runs", "insight", "baselines", "benchmark"},
    "ray": {"baselines", "benchmark"},
    "gymnasium": set(ROOMS) - {"memory", "networks", "pages", "cli"},
    "numpy": set(ROOMS) - {"pages", "cli"},
    "numba": {"testing", "baselines", "benchmark"},  # elsewhere only once an environment is made
}

# A finder that stands before all others and refuses the modules named; a bare parent package, so
# that importing a room does not run popgym/__init__.py first.
PROLOGUE = """
import importlib, importlib.abc, pkgutil, sys, types

class Closed(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in {open!r}:
            return None
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


def prologue(room):
    """Code that closes what a room may not import."""
    allowed = {room, *ROOMS[room]}
    closed = [f"popgym.{other}" for other in ROOMS if other not in allowed]
    closed += [library for library, rooms in LIBRARIES.items() if room not in rooms]
    doors = {"popgym.core", "popgym.core.arguments"} if ARGUMENTS in allowed else set()
    return PROLOGUE.format(open=doors, closed=closed, root=str(ROOT))


def python(code):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_needs_only_what_it_may_import(room):
    out = python(prologue(room) + f"visit('popgym.{room}'); print(*sys.modules)")
    opened = {name for name in out.split() if f"{name}.".startswith(f"popgym.{room}.")}
    there = [path for path in (ROOT / "popgym" / room).rglob("*.py")]
    assert len(opened) == len(there)


def test_the_blocking_of_rooms_is_real():
    with pytest.raises(AssertionError, match=r"popgym\.runs is above this room"):
        python(prologue("memory") + "visit('popgym.runs')")


def test_every_room_is_looked_at():
    rooms = {path.parent.name for path in (ROOT / "popgym").glob("*/__init__.py")}
    assert rooms == ROOMS.keys()


def test_every_folder_says_what_belongs_in_it():
    for path in (ROOT / "popgym").rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(path.read_text())), path


# ---- no circle between files


def modules():
    """Module name -> file."""
    found = {}
    for path in (ROOT / "popgym").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(tree, known):
    """The modules among `known` that a file imports, also inside functions; not for types only."""
    todo, found = [tree], set()
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            todo += node.orelse
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inside & known) or {node.module}
        todo += ast.iter_child_nodes(node)
    return found & known


def circle(graph):
    """A list of modules each of which imports the next, and the last the first; or nothing."""
    done, path = set(), []

    def visit(name):
        if name in path:
            return path[path.index(name) :]
        if name in done:
            return []
        path.append(name)
        found = next((c for other in sorted(graph[name]) if (c := visit(other))), [])
        path.pop()
        done.add(name)
        return found

    return next((c for name in sorted(graph) if (c := visit(name))), [])


def test_no_files_import_each_other():
    files = modules()
    trees = {name: ast.parse(path.read_text()) for name, path in files.items()}
    assert circle({n: imports(tree, files.keys()) - {n} for n, tree in trees.items()}) == []


def test_a_circle_would_be_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
    tree = ast.parse("if TYPE_CHECKING:\n    import a\ndef f():\n    from p import b, x")
    assert imports(tree, {"a", "p", "p.b"}) == {"p.b"}


# ---- what importing popgym costs


@pytest.mark.parametrize("module", ["popgym", "popgym.cli", "popgym.testing", "popgym.wrappers"])
def test_importing_it_brings_in_none_of_the_heavy_libraries(module):
    heavy = ["torch", "ray", "numba", "matplotlib", "rich", "pandas", "tensorboardX", "safetensors"]
    loaded = python(f"import sys, {module}; print(*(set({heavy}) & sys.modules.keys()))")
    assert loaded.split() == []


def test_the_shop_window_names_all_that_it_has_and_finds_it_when_asked():
    code = "import popgym; print(*[n for n in popgym.__all__ if n not in dir(popgym)], '.')"
    assert python(code).split() == ["."]
    assert python("import popgym, sys; popgym.load; print('ray' in sys.modules)") == "False\n"


@pytest.mark.parametrize("name", ["wrappers", "memory", "testing", "players", "benchmark"])
def test_rooms_for_users_are_found_without_an_import_of_their_own(name):
    assert python(f"import popgym; print(popgym.{name}.__name__)") == f"popgym.{name}\n"


@pytest.mark.parametrize(
    "name", ["reading", "compare", "statistics", "suite_file", "display", "tuning.best"]
)
def test_results_of_benchmarks_are_read_without_torch_and_ray(name):
    code = f"import sys, popgym.benchmark.{name}; print(*({{'torch', 'ray'}} & sys.modules.keys()))"
    assert python(code).split() == []


def test_listing_the_environments_needs_neither_torch_nor_ray():
    code = "import sys; sys.modules.update(torch=None, ray=None); import popgym.cli as c"
    assert "RepeatPreviousEasy" in python(f"{code}; c.main(['envs'])")


# ---- the drawing


def test_the_page_on_the_architecture_lists_the_rooms_and_what_they_import():
    lines = (ROOT / "docs" / "architecture.md").read_text().splitlines()
    rows = [line.split("|")[1:-1] for line in lines if line.startswith("| `")]
    cells = [[cell.strip() for cell in row] for row in rows if len(row) == 3]
    listed = {name.strip("`/"): may.replace("`", "") for name, _, may in cells}
    assert listed == {room: ", ".join(may) or "nothing" for room, may in ROOMS.items()}
