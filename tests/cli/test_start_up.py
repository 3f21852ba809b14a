"""What is told before torch, Ray and numba are loaded, in a process of its own each time."""

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "ray", "numba", "matplotlib", "pandas", "rich", "tensorboardX", "safetensors")
# Runs commands one after another; prints the status of each, and what is loaded in the end.
CODE = """
import json, sys
from popgym.cli import main

def status(argv):
    try:
        return main(argv)
    except SystemExit as end:
        return end.code

found = [status(argv) for argv in json.loads(sys.argv[1])]
print()
print(json.dumps([found, [name for name in json.loads(sys.argv[2]) if name in sys.modules]]))
"""
# Makes modules missing, and says so only when they are asked for.
MISSING = """
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in ("torch", "ray"):
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Missing())
"""


def process(code, *arguments, cwd):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


@pytest.fixture
def told(tmp_path):
    """Runs commands: their statuses, output, complaints, and the heavy modules loaded."""

    def _told(*commands):
        argvs = [command.split() for command in commands]
        done = process(CODE, json.dumps(argvs), json.dumps(HEAVY), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        *out, last = done.stdout.splitlines()
        statuses, loaded = json.loads(last)
        return statuses, out, done.stderr.splitlines(), loaded

    return _told


def test_lists_and_helps_load_nothing_heavy(told):
    commands = ("train", "evaluate", "play", "gif", "scores", "envs", "memories")
    lists = ("envs", "memories", "scores RepeatPreviousEasy", "train --list-settings")
    wanted = ["--help", "--version", *(f"{name} --help" for name in commands), *lists]
    statuses, out, err, loaded = told(*wanted)
    assert (set(statuses), err, loaded) == ({0}, [], [])
    for line in ("gru ", "RepeatPreviousHard ", "perfect ", "gae_lambda "):
        assert any(printed.startswith(line) for printed in out)


TYPOS = {
    "train RepeatPreviousEasi": "did you mean RepeatPreviousEasy",
    "train RepeatPreviousEasy --memory gruu": "no memory is called 'gruu'; did you mean 'gru'?",
    "train RepeatPreviousEasy --memory zzz": "`popgym memories` lists them",
    "train RepeatPreviousEasy --set gama=1": "did you mean 'gamma'?",
    "train RepeatPreviousEasy --set learning_rate=1": "it is called 'lr' here",
    "train RepeatPreviousEasy --set stack_size=8": "did you mean 'memory.stack_size'?",
    "train RepeatPreviousEasy --set hidden_size=8": "did you mean 'network.hidden_size'?",
    "train RepeatPreviousEasy --set k=8": "an argument of the environment is env.k",
    "envs RepeatPreviousEasi": "did you mean 'RepeatPreviousEasy'",
    "train RepeatPreviousEasy --set lr=fast": "lr must be float",
    "train RepeatPreviousEasy --set epochs=0": "epochs must be at least 1",
    "train RepeatPreviousEasy --set memory.stak_size=1": "did you mean 'stack_size'?",
    "train RepeatPreviousEasy --memory gru --set memory.residul=1": "did you mean 'residual'?",
    "train RepeatPreviousEasy --set network.hiden_size=1": "did you mean 'hidden_size'",
    "train RepeatPreviousEasy --set env.kk=1": "did you mean 'k'?",
    "train RepeatPreviousEasy --set env.k=99": "k must be a whole number",
    "train --resume absent": "there is no run folder absent",
    "evaluate absent": "there is no run folder absent",
    "gif RepeatPreviousEasy absent": "there is no run folder absent",
    "gif RepeatPreviousEasi absent": "did you mean RepeatPreviousEasy",
    "memories gruu": "did you mean 'gru'?",
}


def test_a_typo_is_told_before_anything_heavy_is_loaded(told):
    statuses, _, err, loaded = told(*TYPOS)
    assert (set(statuses), loaded) == ({2}, [])
    for line, message in zip(err, TYPOS.values(), strict=True):
        assert message in line


def test_options_that_any_memory_has_are_no_typo(tmp_path):
    command = ["train", "RepeatPreviousEasy", "--memory", "mlp", "--set", "memory.num_layers=2"]
    done = process(MISSING + CODE, json.dumps([command]), "[]", cwd=tmp_path)
    assert done.stderr.splitlines()[0] == "popgym: starting RLlib …"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("train RepeatPreviousEasy", "starting RLlib …"),
        ("train RepeatPreviousEasy --memory my_own:Memory", "starting RLlib …"),
        ("memories gru", "loading PyTorch …"),
    ],
)
def test_what_takes_seconds_is_said_before_it_begins(tmp_path, command, said):
    done = process(MISSING + CODE, json.dumps([command.split()]), "[]", cwd=tmp_path)
    first, second = done.stderr.splitlines()
    assert first == f"popgym: {said}"
    assert second.startswith("popgym: No module named ")
