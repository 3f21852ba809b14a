"""In the folder in which the command runs, only the user's own modules are searched for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from popgym import importing
from popgym.importing import place_of
from popgym.runs.folder import RunFolder
from tests.runs.specimens import TOYS, policy, settings

ROOT = Path(__file__).parents[2]
TAKEN = "from pathlib import Path\nPath(__file__).with_suffix('.ran').touch()\n"
INSTALLED = ["torch", "numpy", "json", "gymnasium"]
MISSING = [
    "opt_einsum",
    "tensorflow",
    "jax",
    "minigrid",
    "ale_py",
    "sitecustomize",
    "usercustomize",
]
ENV = f"""
import helper
from {TOYS} import Guess

class Mine(Guess):
    pass
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with modules that are called as libraries are, and with the user's own."""
    for name in [*INSTALLED, *MISSING]:
        (tmp_path / f"{name}.py").write_text(TAKEN)
    (tmp_path / "mine.py").write_text(ENV)
    (tmp_path / "helper.py").touch()
    return tmp_path


def command(folder, *words):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    code = f"import sys; sys.path.remove(''); import popgym.cli; sys.exit(popgym.cli.main({words}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def own_folder(folder):
    """One without modules that libraries try to import, and that no one has installed.

    The user's own modules may be called so, and are then found.
    """
    for name in MISSING:
        (folder / f"{name}.py").unlink()
    return folder


def were_run(folder):
    return sorted(path.stem for path in folder.glob("*.ran"))


@pytest.mark.parametrize("words", [["memories", "gru"], ["envs"], ["evaluate", "run"]], ids=str)
def test_no_module_there_is_taken_for_a_library(folder, words):
    run = RunFolder.create(settings("RepeatPreviousEasy"), folder / "run")
    run.save_policy(policy())
    status, _, complaint = command(folder, *words)
    assert status == (2 if words[0] == "evaluate" else 0)
    assert "the policy's action space is" in complaint or words[0] != "evaluate"
    assert were_run(folder) == []


def test_an_environment_of_an_absent_package_is_not_taken_from_there(folder):
    status, _, complaint = command(folder, "train", "BabyAI-NoSuchLevel-v0")
    assert status == 2 and "there is no environment" in complaint
    assert were_run(folder) == []


def test_the_users_own_modules_are_found_there(own_folder):
    words = ("train", "mine:Mine", "--steps", "64", "--set", "num_envs=8", "--set", "rollout=8")
    status, out, complaint = command(own_folder, *words, "--out", "run")
    assert status == 0, complaint
    status, out, complaint = command(own_folder, "evaluate", "run", "--episodes", "4")
    assert status == 0 and out.startswith("mean return"), complaint
    assert were_run(own_folder) == []


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_they_are_found_in_other_processes_too_after_what_is_installed(own_folder):
    words = ("train", "mine:Mine", "--steps", "64", "--set", "num_envs=8", "--set", "rollout=8")
    status, _, complaint = command(own_folder, *words, "--runners", "1", "--out", "run")
    assert status == 0, complaint
    assert were_run(own_folder) == []


def test_the_place_of_a_module_is_told_without_importing_it(folder, monkeypatch):
    monkeypatch.setattr(importing, "_folders", [str(folder)])
    assert place_of("mine") == place_of("mine.inner") == str(folder / "mine.py")
    assert place_of("no_such_module") is None
    assert place_of("sys") == place_of("") == "?"
    assert place_of("json").endswith("json/__init__.py")
    assert "mine" not in sys.modules


def test_what_is_put_before_all_folders_comes_last(monkeypatch):
    monkeypatch.setattr(sys, "path", ["a", "b"])
    importing.installed_first()
    sys.path.insert(0, "c")
    assert sys.path == ["a", "b", "c"]
