"""The command as a person meets it: what it prints, one line for a mistake, its exit status."""

import itertools
import json
import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest

from popgym.baselines.ppo import RecurrentPPO
from popgym.cli.grammar import count
from popgym.runs.folder import RunFolder
from tests.runs.specimens import policy, row, settings

TOYS, OWN = "tests.baselines.ppo.toys", "tests.runs.specimens"
TINY = ["--set", "num_envs=8", "--set", "rollout=16", "--set", "epochs=1", "--steps", "128"]


@pytest.fixture
def run(tmp_path):
    """A run folder with a policy, as training leaves it, but untrained."""
    folder = RunFolder.create(settings(), tmp_path / "run")
    folder.save_policy(policy(action_space=policy().observation_space))
    return folder


# ---- what it is for


def test_training_evaluating_and_going_on(popgym, tmp_path):
    status, out, err = popgym("train", f"{TOYS}:Guess", "--memory", "gru", *TINY)
    folder = "runs/Guess-gru-seed0"
    assert status == 0
    assert out[0].startswith("mean return ")
    assert out[1:] == [
        f"learning curve: {folder}/curve.png",
        f"evaluate the agent with: popgym evaluate {folder}",
    ]
    assert err[-1].startswith("128/128")

    status, (line,), err = popgym("evaluate", folder, "--episodes", "20")
    assert status == 0
    assert line.startswith("mean return ")
    assert "over 20 episodes, 95 % interval" in line
    assert err == []

    status, out, err = popgym("train", "--resume", folder, "--steps", "256")
    assert status == 0
    assert err[-1].startswith("256/256")
    assert len((tmp_path / folder / "progress.csv").read_text().splitlines()) == 3


def test_assignments_and_flags_go_before_a_file(popgym, tmp_path):
    given = {"lr": 0.01, "epochs": 3, "seed": 5, "env": f"{TOYS}:Guess", "memory.num_layers": 2}
    (tmp_path / "s.json").write_text(json.dumps({**given, "memory": "gru"}))
    words = ["--config", "s.json", *TINY, "--seed", "7", "--out", "here"]
    assert popgym("train", *words)[0] == 0
    chosen = RunFolder.open(tmp_path / "here").settings
    assert (chosen.lr, chosen.epochs, chosen.seed) == (0.01, 1, 7)
    assert chosen.memory_options == {"num_layers": 2}


def test_a_run_in_wrappers_is_evaluated_and_shown_in_them(popgym):
    wrapped = ["--wrapper", "PreviousAction", "--wrapper", "Flatten", "--memory", "gru"]
    status, _, err = popgym("train", "RepeatPreviousEasy", *wrapped, *TINY, "--out", "r")
    assert status == 0, err
    assert RunFolder.open("r").settings.wrappers == ["PreviousAction", "Flatten"]
    assert popgym("evaluate", "r", "--episodes", "1")[0] == 0
    assert popgym("gif", "RepeatPreviousEasy", "r", "--steps", "2")[0] == 0


def test_numbers_of_steps_may_be_written_as_people_write_them():
    for text in ("500000", "5e5", "500_000"):
        assert count(text) == 500_000


@pytest.mark.parametrize(
    ("command", "known"), [("envs", "RepeatPreviousEasy"), ("memories", "gru")]
)
def test_the_tables_list_what_there_is_in_columns(popgym, command, known):
    status, (header, *lines), err = popgym(command)
    assert (status, err) == (0, [])
    assert header.startswith("name ")
    lines = [*itertools.takewhile(bool, lines)]
    assert known in [line.split()[0] for line in lines]
    second = header.split()[1]
    assert all(line[header.index(second) - 1] == " " for line in lines)


def test_the_memories_are_followed_by_the_options_that_all_have(popgym):
    _, lines, _ = popgym("memories")
    assert lines[-2:] == [
        "",
        "every memory also takes num_layers=1 residual=False feed_forward=0",
    ]


def test_the_table_of_memories_fits_a_terminal(popgym):
    _, lines, _ = popgym("memories")
    assert " ".join(lines[0].split()) == "name receptive field state parameters Mflop source"
    assert max(map(len, lines)) <= 100


def test_a_memory_is_told_in_full(popgym):
    status, lines, err = popgym("memories", "frameconv")
    assert (status, err) == (0, [])
    assert lines[0] == "frameconv: popgym.memory.models.frameconv.TemporalConv"
    assert lines[2].startswith("The temporal convolution")
    for line in (
        "A causal convolution over the last ``stack_size`` inputs.",
        "  stack_size=4",
        "      Window length, W, including the current input; at least 1.",
        "  receptive field  4 steps",
        "  state            384 numbers: frames [3, 128]",
        "  parameters       131,328",
        "  Mflop            0.262, for the matrix products of one environment step",
    ):
        assert line in lines
    assert lines[-1].startswith("source: Bai, Kolter and Koltun, ")


def test_options_that_a_memory_has_itself_are_told_once(popgym):
    _, lines, _ = popgym("memories", "gru")
    assert "  num_layers=1" in lines
    assert "every memory also takes residual=False feed_forward=0" in lines


def test_ones_own_memory_is_told_in_full(popgym):
    status, lines, _ = popgym("memories", "tests.memory.test_registry:Own")
    assert status == 0
    assert "  depth=2" in lines
    assert "  state            0 numbers" in lines


def test_an_unknown_memory_is_a_mistake(popgym):
    assert "did you mean 'gru'?" in complaint(popgym("memories", "gruu"))


def test_ctrl_c_says_how_to_go_on(popgym, monkeypatch):
    original = RecurrentPPO.train

    def train_once(self):
        if self.iteration:
            raise KeyboardInterrupt
        return original(self)

    monkeypatch.setattr(RecurrentPPO, "train", train_once)
    status, out, err = popgym("train", f"{TOYS}:Guess", *TINY, "--steps", "999", "--out", "r")
    assert status == 130
    assert out[-1] == "interrupted; resume with: popgym train --resume r"
    assert err[-1].startswith("128/999")


def test_ctrl_c_before_anything_was_learned_leaves_nothing(popgym, monkeypatch, tmp_path):
    def interrupt(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(RecurrentPPO, "train", interrupt)
    assert popgym("train", f"{TOYS}:Guess", *TINY) == (130, [], ["popgym: interrupted"])
    assert list(tmp_path.iterdir()) == []


def test_too_short_a_window_is_a_warning_in_one_line(popgym):
    words = ["train", "RepeatPreviousMedium", *TINY, "--out", "r"]
    status, _, err = popgym(*words)
    assert status == 0
    assert err[0] == (
        "popgym: warning: stack_size 4 cannot see 31 steps back, which RepeatPreviousMedium "
        "requires; use --set memory.stack_size=32 or a recurrent memory"
    )


# ---- mistakes


def complaint(result):
    """The one line; asserts that there is one, status 2, and no output."""
    status, out, err = result
    assert (status, out) == (2, [])
    assert len(err) == 1, err
    assert err[0].startswith("popgym: ")
    assert "Traceback" not in err[0]
    return err[0]


GUESS = f"{TOYS}:Guess"
MISTAKES = [
    # the grammar
    ([], "COMMAND"),
    (["trian"], "invalid choice: 'trian'"),
    (["train", GUESS, "--stepz", "5"], "unrecognized arguments: --stepz"),
    (["train", GUESS, "--steps", "many"], "'many' is not a whole number"),
    (["train", GUESS, "--steps", "1.5"], "'1.5' is not a whole number"),
    (["train", GUESS, "--steps", "inf"], "'inf' is not a whole number"),
    (["train", GUESS, "--seed", "-1"], "--seed"),
    (["train"], "name an environment: popgym train ENV (`popgym envs` lists those of POPGym)"),
    (["train", GUESS, "--set", "lr"], "--set takes key=value"),
    (["train", GUESS, "--memory", "lru", "--set", "memory=gru"], "memory is given twice"),
    (["train", GUESS, "--wrapper", "A", "--set", 'wrappers=["B"]'], "wrappers is given twice"),
    # names
    (["train", "RepeatPreviousEasi"], "did you mean RepeatPreviousEasy"),
    (["train", "CartPol-v1"], "did you mean CartPole-v1"),
    (["train", "no_such:Env"], "cannot import module 'no_such'"),
    (["train", f"{TOYS}:Gess"], "has no such name"),
    (["train", GUESS, "--wrapper", "Flaten"], "unknown wrapper 'Flaten'; did you mean 'Flatten'"),
    (["train", GUESS, "--wrapper", "no_such:W"], "cannot import module 'no_such'"),
    (["train", GUESS, "--memory", "frameconf"], "did you mean 'frameconv'"),
    (["train", GUESS, "--memory", "no_such:M"], "cannot import module 'no_such'"),
    (["train", GUESS, "--memory", "math:pi"], "must be a subclass of popgym.memory.Memory"),
    (["train", GUESS, "--set", "gama=1"], "did you mean 'gamma'"),
    (["train", GUESS, "--set", "memory.stak_size=1"], "did you mean 'stack_size'"),
    (["train", GUESS, "--set", "network.hiden_size=1"], "did you mean 'hidden_size'"),
    (["train", "RepeatPreviousEasy", "--set", "env.kk=1"], "kk"),
    # types and ranges
    (["train", GUESS, "--steps", "0"], "steps must be at least 1, got 0"),
    (["train", GUESS, "--steps", "1e30"], "steps must be at least 1 and at most 1e+18, got 1e+30"),
    (["train", GUESS, "--seed", "1e30"], "at most 2,147,483,647, got 1e+30"),
    (
        ["train", GUESS, "--set", "memory.stack_size=1e20"],
        "stack_size must be an integer, got 1e+20",
    ),
    (["train", GUESS, "--set", "lr=fast"], "lr must be float, got 'fast'"),
    (["train", GUESS, "--set", "lr=1e30"], "lr must be at least 0 and at most 10"),
    (["train", GUESS, "--set", "lr=NaN"], "lr must be"),
    (["train", GUESS, "--set", "gamma=2"], "gamma must be at least 0 and at most 1"),
    (["train", GUESS, "--set", "epochs=2.5"], "epochs must be int"),
    (["train", GUESS, "--set", "memory.stack_size=0"], "stack_size"),
    (["train", GUESS, "--set", "memory.stack_size=big"], "stack_size"),
    (["train", GUESS, "--set", "wrappers=Flatten"], "wrappers must be a list of names, such as ["),
    (["train", GUESS, "--set", "memory_options=4"], "memory_options must be dict"),
    (["train", GUESS, "--set", "memory_options=4", "--set", "memory.a=1"], "must be a table"),
    (["train", GUESS, "--set", "network.actor=[0]"], "actor"),
    (["train", "RepeatPreviousEasy", "--set", "env.k=-1"], "k"),
    (["train", GUESS, "--device", "tpu"], "device must be one of ('cpu', 'cuda')"),
    (["train", GUESS, "--precision", "fp8"], "precision must be one of"),
    (["train", GUESS, "--runners", "9", "--set", "num_envs=8"], "num_envs 8 is too few"),
    # files
    (["train", GUESS, "--config", "absent.json"], "cannot read settings from absent.json"),
    (["train", "--resume", "absent"], "there is no run folder absent"),
    (["evaluate", "absent"], "there is no run folder absent"),
    # environments
    (["train", f"{TOYS}:TextOnly"], "Text"),
    (
        ["train", f"{TOYS}:SequenceOnly"],
        "action space Sequence(Discrete(3), stack=False) is not supported",
    ),
    (["train", f"{OWN}:CannotBeMade"], "cannot be made: OSError: no such level"),
    (["train", f"{TOYS}:Raising"], "Raising failed in step(): RuntimeError: the motor is on fire"),
    (["train", f"{TOYS}:NotANumber"], "NotANumber: environment 0: observation has the value nan"),
    (["train", f"{TOYS}:Outside"], "observation has the value 11.0 at (0,), which is outside"),
    (["train", f"{TOYS}:InfiniteReward"], "gave a reward that is not finite"),
    (
        ["train", f"{OWN}:HugeReward", "--set", "normalise_rewards=false"],
        "lower the learning rate",
    ),
]


@pytest.mark.parametrize(("argv", "message"), MISTAKES, ids=[m for _, m in MISTAKES])
def test_a_mistake_is_one_line_with_status_2_and_leaves_nothing(popgym, tmp_path, argv, message):
    small = ["--set", "rollout=16"] if argv[:1] == ["train"] and "--resume" not in argv else []
    assert message in complaint(popgym(*argv, *small))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "flag",
    [["--seed", "1"], ["--out", "x"], ["--set", "lr=1"], ["--memory", "gru"], ["--wrapper", "A"]],
)
def test_a_resumed_run_takes_no_other_settings(popgym, run, flag):
    assert "a resumed run keeps its" in complaint(popgym("train", "--resume", "run", *flag))


def test_a_resumed_run_takes_no_other_environment(popgym, run):
    assert "keeps its env" in complaint(popgym("train", GUESS, "--resume", "run"))


def test_an_output_folder_that_cannot_be_written_is_named(popgym, tmp_path):
    (tmp_path / "file").write_text("mine")
    line = complaint(popgym("train", GUESS, "--out", "file/run"))
    assert line == "popgym: cannot write to file/run (Not a directory): choose another --out"
    assert (tmp_path / "file").read_text() == "mine"


def test_an_output_folder_in_use_is_not_touched(popgym, run):
    before = sorted(run.path.rglob("*"))
    line = complaint(popgym("train", GUESS, "--out", "run"))
    assert line == (
        "popgym: run is not empty: its run ended before the first checkpoint: delete the folder, "
        "or name another --out"
    )
    assert sorted(run.path.rglob("*")) == before


def cut(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("config.json", "run/config.json is damaged"),
        ("policy/policy.json", "the policy in run/policy is damaged"),
        ("policy/weights.safetensors", "the policy in run/policy is damaged"),
    ],
)
def test_a_damaged_run_is_refused_by_the_file(popgym, run, name, message):
    assert popgym("evaluate", "run", "--episodes", "1")[0] == 0
    cut(run.path / name)
    assert message in complaint(popgym("evaluate", "run"))
    (run.path / name).unlink()
    assert name.rpartition("/")[2] in complaint(popgym("evaluate", "run"))


def test_a_run_of_a_callable_is_evaluated_in_python(popgym, run):
    (run.path / "config.json").write_text(
        json.dumps({"settings": {"env": "Mine (callable)", "memory": "gru"}})
    )
    line = complaint(popgym("evaluate", "run"))
    assert "Mine (callable) was given in Python" in line
    assert "popgym.evaluate(policy, env)" in line
    assert popgym("gif", "RepeatPreviousEasy", "run", "--steps", "2")[0] == 0


def test_a_run_without_checkpoints_cannot_be_resumed(popgym, run):
    run.append(row(1))
    assert "has no checkpoint to resume from" in complaint(popgym("train", "--resume", "run"))
    assert run.rows() == [row(1)]


@pytest.mark.parametrize("flags", [[], ["--set", "env.k=2"], ["--env", "RepeatFirstEasy"]])
def test_a_run_is_evaluated_in_its_environment_in_others_and_for_so_many_steps(popgym, run, flags):
    words = ["evaluate", "run", "--episodes", "5", "--max-steps", "3", *flags]
    status, (line,), err = popgym(*words)
    assert (status, err) == (0, [])
    assert "over 5 episodes" in line
    assert line.endswith("mean length 3.0, 5 of the episodes cut at 3 steps")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--env", "PositionOnlyCartPoleEasy"], "observation space is Discrete(4), the environ"),
        (["--env", "RepeatFirstEasi"], "did you mean RepeatFirstEasy"),
        (["--env", "RepeatFirstEasy", "--set", "env.k=2"], "unknown argument 'k'"),
        (["--set", "k=2"], "--set takes env.KEY=VALUE here"),
        (["--max-steps", "0"], "max_steps must be a whole number at least 1, got 0"),
    ],
)
def test_a_run_cannot_be_evaluated_everywhere(popgym, run, flags, message):
    assert message in complaint(popgym("evaluate", "run", *flags))


def test_evaluating_no_episodes_is_refused(popgym, run):
    assert "episodes must be a whole number from 1 to" in complaint(
        popgym("evaluate", "run", "--episodes", "0")
    )


def test_a_missing_part_of_the_installation_is_named_with_the_remedy(popgym, monkeypatch):
    for name in ("popgym.baselines.train", "popgym.baselines.build"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)
    line = complaint(popgym("train", GUESS))
    assert "ray" in line
    assert line.endswith("install it with pip install 'popgym[all]'")


def test_debug_shows_the_traceback(popgym):
    status, _, err = popgym("train", "RepeatPreviousEasi", "--debug")
    assert status == 2
    assert err[0].startswith("Traceback")
    assert err[-1].startswith("ValueError: there is no environment 'RepeatPreviousEasi'")


# ---- as a process


def process(*argv, cwd):
    command = [sys.executable, "-m", "popgym", *argv]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=240, check=False
    )


def test_the_process_exits_with_status_2_and_one_line(tmp_path):
    done = process("train", "RepeatPreviousEasi", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "did you mean RepeatPreviousEasy" in done.stderr


def test_the_process_finds_a_users_file_where_it_is_started(tmp_path):
    shutil.copy(find_spec(TOYS).origin, tmp_path / "worlds.py")
    done = process("train", "worlds:Guess", *TINY, "--out", "r", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "mean return" in done.stdout
    assert "ray" not in done.stderr.lower()
