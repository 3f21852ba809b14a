"""A run folder from someone else runs no code, unless the user says so."""

import json
import os
import shutil
import sys
from contextlib import contextmanager

import gymnasium
import pytest
from gymnasium import spaces

import popgym
from popgym import importing
from popgym.benchmark import read
from popgym.benchmark.store import BenchmarkFolder
from popgym.cli import main
from popgym.play import make_gif
from popgym.runs.folder import RunFolder
from popgym.runs.policy import load_policy
from popgym.runs.signature import key_file
from popgym.runs.trust import UntrustedError
from tests.runs.specimens import TOYS, policy, settings

MODULE = "of_someone_else"
CODE = """
from pathlib import Path
Path(__file__).with_suffix(".ran").touch()
from popgym.memory import GRU
from gymnasium import Wrapper as Unchanged
from tests.baselines.ppo.toys import Guess

class Env(Guess):
    pass

class Mine(GRU):
    pass

class Wrapper(Unchanged):
    pass
"""
ENV, MEMORY, WRAPPER = (f"{MODULE}:{name}" for name in ("Env", "Mine", "Wrapper"))
NAMED = {
    "env": dict(env=ENV),
    "wrapper": dict(env=f"{TOYS}:Guess", wrappers=[WRAPPER]),
    "memory": dict(env=f"{TOYS}:Guess", memory=MEMORY),
}


@pytest.fixture
def other_user(tmp_path):
    """A context in which files are signed by someone else."""

    @contextmanager
    def context():
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_STATE_HOME", str(tmp_path / "state of another user"))
            yield

    return context


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    """The module that a run names; a file beside it says that it was run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    monkeypatch.setattr(importing, "_folders", [])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / f"{MODULE}.py").write_text(CODE)
    yield tmp_path / f"{MODULE}.py"
    sys.modules.pop(MODULE, None)


def make(path, **named):
    """A run folder whose policy was saved; its code has been imported by no one since."""
    run = RunFolder.create(settings(**named), path)
    three = spaces.Discrete(3)
    run.save_policy(policy(three, three, named.get("memory", "gru")))
    forget()
    return run.path


def forget():
    sys.modules.pop(MODULE, None)
    if os.path.exists(f"{MODULE}.ran"):
        os.remove(f"{MODULE}.ran")


def was_run():
    return os.path.exists(f"{MODULE}.ran")


@pytest.fixture
def theirs(tmp_path, other_user):
    """Makes the run of someone else."""

    def run(**named):
        with other_user():
            return make(tmp_path / "run", **named)

    return run


@pytest.mark.parametrize("what", NAMED)
def test_code_that_a_run_of_someone_else_names_is_not_run(theirs, what, capsys, module):
    run = theirs(**NAMED[what])
    name = {"env": ENV, "wrapper": WRAPPER, "memory": MEMORY}[what]
    file = run / ("policy/policy.json" if what == "memory" else "config.json")
    message = f"{file} names '{name}', and importing it would run the code in {module}"
    gif = ["gif", "RepeatPreviousEasy"]  # another environment, without the run's wrappers
    for words in (["evaluate"], ["inspect"], *([gif] if what == "memory" else [])):
        assert main([*words, str(run)]) == 2
        said = capsys.readouterr().err
        assert message in said and "--trust" in said
    with pytest.raises(UntrustedError, match=f"names '{name}'.*trust=True"):
        popgym.evaluate(run)
    assert not was_run()


@pytest.mark.parametrize("what", NAMED)
def test_it_is_run_if_the_user_trusts_who_made_it(theirs, what):
    run = theirs(**NAMED[what])
    assert popgym.evaluate(run, episodes=2, trust=True).returns.size == 2
    assert was_run()


@pytest.mark.parametrize("what", NAMED)
def test_ones_own_run_needs_no_trust(tmp_path, what):
    run = make(tmp_path / "run", **NAMED[what])
    assert popgym.evaluate(run, episodes=2).returns.size == 2
    assert was_run()


def test_ones_own_run_may_be_moved(tmp_path):
    run = make(tmp_path / "run", **NAMED["memory"])
    shutil.move(run, tmp_path / "elsewhere")
    assert popgym.load(tmp_path / "elsewhere").act(1)


def test_a_module_of_that_name_in_another_place_is_not_ones_own(tmp_path, module, monkeypatch):
    run = make(tmp_path / "run", **NAMED["memory"])
    (tmp_path / "downloads").mkdir()
    shutil.move(module, tmp_path / "downloads")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "downloads")])
    with pytest.raises(UntrustedError, match=rf"would run the code in {tmp_path}/downloads/"):
        popgym.load(run)


def test_names_that_were_added_to_ones_own_run_are_not_signed(tmp_path):
    run = make(tmp_path / "run", **NAMED["memory"])
    data = json.loads((run / "config.json").read_text())
    data["settings"]["wrappers"] = [WRAPPER]
    data["code"][WRAPPER] = data["code"][MEMORY]
    (run / "config.json").write_text(json.dumps(data))
    with pytest.raises(UntrustedError, match=f"config.json names '{WRAPPER}'"):
        popgym.evaluate(run)
    assert not was_run()


def test_the_environment_that_the_user_names_is_not_asked_about(theirs):
    assert popgym.evaluate(theirs(**NAMED["env"]), ENV, episodes=2).returns.size == 2


def test_the_name_of_an_environment_among_the_arguments_of_another_counts(theirs):
    run = theirs(env="CartPole-v1", env_options={"env_id": ENV})
    with pytest.raises(UntrustedError, match=f"config.json names '{ENV}'"):
        popgym.evaluate(run)


def test_code_that_the_program_has_imported_is_not_asked_about(theirs):
    run = theirs(**NAMED["memory"])
    __import__(MODULE)
    assert popgym.load(run).act(1)


@pytest.mark.parametrize("name", ["os:system", "builtins:exec", "subprocess:run", f"{MODULE}:Path"])
def test_a_function_of_another_package_is_no_wrapper_of_an_imported_module(theirs, name):
    run = theirs(env=f"{TOYS}:Guess", wrappers=[name])
    if name.startswith(MODULE):
        __import__(MODULE)
    with pytest.raises(UntrustedError, match=f"names '{name}'"):
        popgym.evaluate(run)


def test_in_another_environment_that_of_the_run_is_not_looked_at(theirs):
    assert popgym.evaluate(theirs(**NAMED["env"]), f"{TOYS}:Guess", episodes=2).returns.size == 2
    assert not was_run()


def test_without_a_key_nothing_is_ones_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / f"{MODULE}.py"))  # no folder
    run = make(tmp_path / "run", **NAMED["memory"])
    with pytest.raises(UntrustedError, match="trust"):
        popgym.load(run)
    assert popgym.load(run, trust=True).act(1)


def test_no_one_else_may_read_the_key(tmp_path):
    make(tmp_path / "run", **NAMED["memory"])
    assert key_file().stat().st_mode & 0o077 == 0
    assert len(key_file().read_bytes()) == 32


# ---- links and names


@pytest.mark.parametrize("link", ["policy", "policy/policy.json", "policy/weights.safetensors"])
def test_a_link_out_of_the_run_is_not_followed(tmp_path, link):
    run, elsewhere = make(tmp_path / "run", env=f"{TOYS}:Guess"), tmp_path / "elsewhere"
    shutil.move(run / link, elsewhere)
    (run / link).symlink_to(elsewhere)
    with pytest.raises(UntrustedError, match=r"is a symbolic link out of .*elsewhere.*--trust"):
        popgym.load(run)
    assert popgym.load(run, trust=True).act(1)


def test_a_link_within_the_run_is_followed(tmp_path):
    run = make(tmp_path / "run", env=f"{TOYS}:Guess")
    shutil.move(run / "policy", run / "best")
    (run / "policy").symlink_to("best")
    assert popgym.load(run).act(1)


def test_config_json_may_be_neither_a_link_out_of_the_run_nor_a_pipe(tmp_path):
    run = make(tmp_path / "run", env=f"{TOYS}:Guess")
    shutil.move(run / "config.json", tmp_path)
    (run / "config.json").symlink_to(tmp_path / "config.json")
    with pytest.raises(UntrustedError, match="symbolic link out of"):
        RunFolder.open(run)
    (run / "config.json").unlink()
    os.mkfifo(run / "config.json")
    with pytest.raises(ValueError, match=r"config.json is no file"):
        RunFolder.open(run)


def test_a_policy_may_be_no_pipe(tmp_path):
    policy().save(tmp_path)
    (tmp_path / "weights.safetensors").unlink()
    os.mkfifo(tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match=r"weights.safetensors is no file"):
        load_policy(tmp_path)


@pytest.mark.parametrize("memory", ["../../escaped", "/tmp/escaped", "a/../../b", "..", "x" * 999])
def test_a_memorys_name_in_a_file_leads_to_no_other_folder(tmp_path, memory):
    run = make(tmp_path / "inner" / "run", env="RepeatPreviousEasy")
    data = json.loads((run / "config.json").read_text())
    data["settings"]["memory"] = memory
    (run / "config.json").write_text(json.dumps(data))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path / "inner")
        RunFolder.open(run).save_policy(_player())
        gif = make_gif("RepeatPreviousEasy", run, steps=2)
        assert gif.path.resolve().parent == tmp_path / "inner"


def _player():
    env = gymnasium.make(popgym.envs.lookup("RepeatPreviousEasy"))
    return policy(env.observation_space, env.action_space)


# ---- benchmarks


@pytest.fixture
def their_benchmark(tmp_path, other_user):
    with other_user():
        folder = BenchmarkFolder.open_or_create(tmp_path / "benchmark")
        folder.request({"tasks": [ENV], "memories": ["gru"], "seeds": 1}, "popgym benchmark")
    forget()
    return folder.path


def test_the_results_of_a_benchmark_are_read_without_running_its_code(their_benchmark):
    assert list(read(their_benchmark)["task"]) == [ENV]
    assert not was_run()


def test_a_benchmark_of_someone_else_does_not_go_on(their_benchmark):
    with pytest.raises(UntrustedError, match=f"benchmark.json names '{ENV}'"):
        BenchmarkFolder.open(their_benchmark).check_code()
    BenchmarkFolder.open(their_benchmark, trust=True).check_code()


def test_ones_own_benchmark_goes_on(tmp_path):
    folder = BenchmarkFolder.open_or_create(tmp_path / "benchmark")
    folder.request({"tasks": [ENV], "memories": ["gru"], "seeds": 1}, "popgym benchmark")
    forget()
    BenchmarkFolder.open(tmp_path / "benchmark").check_code()


def test_a_request_does_not_sign_what_someone_else_asked_for(their_benchmark):
    folder = BenchmarkFolder.open_or_create(their_benchmark)
    folder.request({"tasks": ["CountRecallEasy"], "memories": ["gru"], "seeds": 1}, "popgym b")
    with pytest.raises(UntrustedError, match=f"names '{ENV}'"):
        BenchmarkFolder.open(their_benchmark).check_code()
