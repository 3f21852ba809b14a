"""The pages' Python: blocks marked `file=NAME` are files, blocks marked `run` are run in turn."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
BLOCK = re.compile(r"^```python (?:file=(\S+)|run)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PAGES = [page for page in sorted((ROOT / "docs").glob("*.md")) if BLOCK.search(page.read_text())]


def python(folder, *arguments):
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", *arguments], cwd=folder, text=True,
        capture_output=True, timeout=300, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def unpack(page, folder):
    """Writes the page's files into a folder; returns what it wants to have run."""
    script = []
    for name, code in BLOCK.findall(page.read_text()):
        if name:
            (folder / name).write_text(code)
        else:
            script.append(code)
    return "\n".join(script)


def test_all_pages_with_python_to_run_are_run_below():
    assert [page.stem for page in PAGES] == ["add_an_environment", "write_a_memory"]


def test_the_page_on_environments_draws_passes_its_own_tests_and_trains_in_its_vector_form(
    tmp_path,
):
    page = ROOT / "docs" / "add_an_environment.md"
    lines = python(tmp_path, "-c", unpack(page, tmp_path)).splitlines()
    assert lines[0] == "R @..T   step 0 of 8" and lines[-1] == "? ...@   step 4 of 8"
    python(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_corridor.py")
    script = """
from popgym.core.vector import POPGymVectorEnv
from popgym.runs.environment import make_environments
assert isinstance(make_environments("corridor:CorridorHard", 4).unwrapped, POPGymVectorEnv)
assert make_environments("echo:Echo", 4).reset(seed=0)[0].shape == (4,)
"""
    python(tmp_path, "-c", script)


def test_the_memorys_page_passes_its_own_tests_and_trains_by_its_name(tmp_path):
    unpack(ROOT / "docs" / "write_a_memory.md", tmp_path)
    python(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_leaky.py")
    small = ["num_envs=8", "rollout=16", "epochs=1", "memory.longest=50", "memory.num_layers=2"]
    assigned = [word for text in small for word in ("--set", text)]
    command = ["train", "RepeatFirstEasy", "--memory", "leaky:Leaky", "--steps", "128", *assigned]
    python(tmp_path, "-m", "popgym", *command)
    assert (tmp_path / "runs" / "RepeatFirstEasy-Leaky-seed0" / "policy").is_dir()


def test_the_memorys_page_gives_rllib_a_module_and_a_model(tmp_path):
    script = unpack(ROOT / "docs" / "write_a_memory.md", tmp_path)
    script += """
import gymnasium
from leaky import Leaky
from ray_leaky import RayLeaky
env = gymnasium.make("CartPole-v1")
module.observation_space, module.action_space = env.observation_space, env.action_space
built = module.build().net.core
model = RayLeaky(env.observation_space, env.action_space, 2, {}, "leaky", longest=50.0).core
for memory in (built, model):
    assert type(memory) is Leaky
    assert 49 < memory.rates.exp().max() < 51
"""
    python(tmp_path, "-c", script)


@pytest.mark.parametrize(
    ("page", "file", "lines"),
    [("add_an_environment", "corridor.py", 75), ("write_a_memory", "leaky.py", 42)],
)
def test_the_specimens_are_short(page, file, lines):
    text = (ROOT / "docs" / f"{page}.md").read_text()
    ((_, code),) = [block for block in BLOCK.findall(text) if block[0] == file]
    assert len([line for line in code.splitlines() if line.strip()]) <= lines
