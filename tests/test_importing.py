"""A user's module that cannot be imported is named with the reason, wherever its name is given."""

import importlib
import sys

import pytest

import popgym
from popgym.baselines.train import resume
from popgym.cli import main
from popgym.importing import UserModuleError
from popgym.memory.registry import find_memory
from popgym.runs.environment import make_environments
from popgym.runs.evaluate import evaluate
from popgym.runs.folder import RunFolder
from popgym.runs.names import resolve
from tests.runs.specimens import OWN, TOYS, policy, settings

MODULE = "of_a_user"
BROKEN = {
    "gone": (None, f"No module named '{MODULE}'.*run from the folder that holds it or install it"),
    "syntax": ("def Mine(:", r"raises SyntaxError: .*line 1\); fix the module"),
    "name": (
        "\nnmupy",
        r"raises NameError: .*nmupy.* \(.*of_a_user.py, line 2\)",
    ),
    "needs": ("import no_such_need", "raises ModuleNotFoundError: No module named 'no_such_need'"),
    "moved": ("from math import torch", "raises ImportError: cannot import name 'torch'"),
    "raises": ("raise RuntimeError('no licence')", "raises RuntimeError: no licence"),
    "library": (
        "import json\n\njson.loads('{')",
        r"raises JSONDecodeError: .* \(.*of_a_user.py, line 3\)",
    ),
    "exits": ("import sys\nsys.exit('run me alone')", "raises SystemExit: run me alone"),
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run whose policy has a memory of a user's module, which has gone since."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    write(tmp_path, "from popgym.memory import GRU\nclass Mine(GRU): pass")
    folder = RunFolder.create(settings(f"{TOYS}:Guess", memory=f"{MODULE}:Mine"), tmp_path / "run")
    folder.save_policy(policy(memory=f"{MODULE}:Mine"))
    (folder.path / "checkpoints" / "iteration-000001").mkdir(parents=True)
    assert popgym.load(folder.path).act(1)
    write(tmp_path, None)
    yield folder.path
    sys.modules.pop(MODULE, None)


@pytest.fixture(params=BROKEN)
def broken(request, tmp_path, run):
    """What the message must say about the user's module, which is broken or gone."""
    text, message = BROKEN[request.param]
    write(tmp_path, text)
    return message


def write(folder, text):
    """Writes the user's module anew; None: there is none."""
    sys.modules.pop(MODULE, None)
    file = folder / f"{MODULE}.py"
    file.unlink(missing_ok=True)
    if text is not None:
        file.write_text(text)
    importlib.invalidate_caches()


def test_a_memory_is_refused_with_the_reason_which_is_kept(broken):
    start = rf"memory '{MODULE}:Mine': cannot import module '{MODULE}'"
    with pytest.raises(UserModuleError, match=rf"{start}.*{broken}") as caught:
        find_memory(f"{MODULE}:Mine")
    assert caught.value.__cause__ is not None


def test_an_environment_is_refused_with_the_reason_which_is_kept(broken):
    start = rf"environment '{MODULE}:Mine': cannot import module '{MODULE}'"
    for ask in (resolve, lambda name: make_environments(name, 1)):
        with pytest.raises(UserModuleError, match=rf"{start}.*{broken}") as caught:
            ask(f"{MODULE}:Mine")
        assert caught.value.__cause__ is not None


def test_a_run_that_needs_it_neither_begins_nor_goes_on(broken, run, tmp_path):
    for env, memory in ((f"{MODULE}:Mine", "gru"), (f"{TOYS}:Guess", f"{MODULE}:Mine")):
        with pytest.raises(UserModuleError, match=broken):
            popgym.train(env, memory, out=tmp_path / "new")
    assert not (tmp_path / "new").exists()
    with pytest.raises(UserModuleError, match=broken):
        resume(run)


def test_a_policy_that_needs_it_is_not_called_damaged(broken, run):
    start = rf"the policy in {run}/policy needs the class with which it was trained: memory"
    with pytest.raises(UserModuleError, match=rf"{start} '{MODULE}:Mine'.*{broken}") as caught:
        popgym.load(run)
    assert "damaged" not in str(caught.value)


def test_a_policy_is_not_evaluated_in_it(broken):
    with pytest.raises(UserModuleError, match=broken):
        evaluate(policy(), f"{MODULE}:Mine")


def test_on_the_command_line_it_is_one_line(broken, run, capsys):
    for words in (
        ["memories", f"{MODULE}:Mine"], ["train", f"{MODULE}:Mine"], ["evaluate", str(run)],
        ["train", "--resume", str(run)],
    ):  # fmt: skip
        assert main(words) == 2
        said = capsys.readouterr().err
        assert f"cannot import module '{MODULE}'" in said and said.count("\n") == 1


def test_a_policy_whose_memory_was_renamed_says_so(run, tmp_path):
    write(tmp_path, "from popgym.memory import GRU\nclass Mine2(GRU): pass")
    message = rf"needs the class .* {MODULE} has no 'Mine'; did you mean 'Mine2'"
    with pytest.raises(UserModuleError, match=message):
        popgym.load(run)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("from popgym.memory import LSTM as Mine", "RuntimeError: .*Missing key"),
        (f"from {OWN} import CannotBeBuilt as Mine", "KeyError: 'size'"),
        ("class Mine: pass", "TypeError: .*must be a subclass of popgym.memory.Memory"),
    ],
    ids=["other weights", "raises", "no memory"],
)
def test_a_policy_whose_memory_was_changed_says_so(run, tmp_path, text, reason):
    write(tmp_path, text)
    message = rf"does not fit memory '{MODULE}:Mine' as it is now \({reason}.*restore the class"
    with pytest.raises(ValueError, match=message) as caught:
        popgym.load(run)
    assert "\n" not in str(caught.value)
