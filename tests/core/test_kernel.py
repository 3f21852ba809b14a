"""The compiled loop: its cache, its uncompiled form, its bounds. Each in a fresh process."""

import os
import subprocess
import sys
import tempfile

import numpy as np
import pytest

import popgym.envs
from popgym.core import kernel

PLAY = """
import hashlib, logging, numpy as np, popgym.envs

class Ear(logging.Handler):
    def emit(self, record):
        told.append(record.getMessage())

told = []
logging.getLogger("popgym").addHandler(Ear(logging.INFO))
logging.getLogger("popgym").setLevel(logging.INFO)
digest = hashlib.sha256()
for name in NAMES:
    env = popgym.envs.find(name).vector_class(3, autoreset_mode="SameStep")
    rng = np.random.default_rng(0)
    digest.update(np.ascontiguousarray(env.reset(seed=1)[0]).tobytes())
    for _ in range(STEPS):
        obs, rewards, terminated, truncated, _ = env.step(rng.integers(0, 2, 3))
        digest.update(obs.tobytes() + rewards.tobytes() + terminated.tobytes())
print(digest.hexdigest())
if STATS:
    print(sum(env._batch._program().stats.cache_hits.values()), *told)
"""

WORLD = """
import numpy as np
from gymnasium.spaces import Discrete
from popgym.core import Family, Rules, rule

TABLE = np.array([0.0])

@rule
def nothing(s, p):
    s.steps = 0

@rule
def step(s, p, action):
    return TABLE[0], True, False

@rule
def observe(s, p, obs):
    obs[0] = 0

class PayFamily(Family):
    rules = Rules(nothing, nothing, step, observe)

    def __init__(self):
        self.observation_space = self.action_space = self.state_space = Discrete(1)
        self.max_episode_length, self.return_bounds = 1, (0.0, 9.0)
        self.params, self.fields, self.hidden = {"none": 0}, {"steps": np.int32}, {}
"""


def play(names, steps=120, stats=False, **variables):
    """Plays in a fresh process; returns what it printed."""
    script = f"NAMES, STEPS, STATS = {names!r}, {steps}, {stats}\n{PLAY}"
    environment = {**os.environ, **variables}
    result = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", script],
        env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def test_a_second_process_finds_the_compiled_code_on_disk_and_replaces_it_if_damaged(tmp_path):
    names = ["PositionOnlyCartPoleEasy"]
    first = play(names, stats=True, NUMBA_CACHE_DIR=str(tmp_path))
    second = play(names, stats=True, NUMBA_CACHE_DIR=str(tmp_path))
    assert first[1] == "0" and second[1] == "1"
    assert first[0] == second[0]
    assert len(list(tmp_path.rglob("*.nbi"))) == 1
    assert " ".join(first[2:]) == "compiling the rules of PositionOnlyCartPole …"
    assert second[2:] == []
    (index,) = tmp_path.rglob("*.nbi")
    index.write_bytes(b"")  # as after a full disk
    assert play(names, stats=True, NUMBA_CACHE_DIR=str(tmp_path)) == first
    assert play(names, stats=True, NUMBA_CACHE_DIR=str(tmp_path)) == [first[0], "1"]


def test_a_changed_constant_is_noticed_in_the_same_process_and_in_the_next(tmp_path):
    # In one process the table is changed between two environments, in the others before the first.
    (tmp_path / "payments.py").write_text(WORLD)
    script = """
import sys, numpy, payments, popgym.envs
popgym.envs.register(payments.PayFamily)
for pay in map(float, sys.argv[1:]):
    payments.TABLE = numpy.array([pay])
    env = payments.Pay()
    env.reset(seed=0)
    print(env.step(0)[1])
"""

    def pays(*amounts):
        return subprocess.run(
            [sys.executable, "-c", script, *amounts], capture_output=True, text=True, check=True,
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(
                [str(tmp_path), *sys.path])}, timeout=120,
        ).stdout.split()  # fmt: skip

    assert [pays("1", "2"), pays("3"), pays("1")] == [["1.0", "2.0"], ["3.0"], ["1.0"]]


def test_code_compiled_for_other_sizes_in_other_processes_is_kept_apart(tmp_path):
    script = """
import sys, popgym.envs
for size in map(int, sys.argv[1:]):
    env = popgym.envs.find("Battleship").vector_class(9, board_size=size, ship_sizes=[size - 1])
    env.reset(seed=0)
    print(size, env.get_state()[0].tobytes().hex())
"""

    def boards(*sizes):
        return subprocess.run(
            [sys.executable, "-c", script, *sizes], check=True, capture_output=True, text=True,
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}, timeout=120,
        ).stdout  # fmt: skip

    four, eight = boards("4"), boards("8")
    assert boards("4", "8") == four + eight


def test_uncompiled_rules_play_the_same():
    names = ["RepeatPreviousEasy", "PositionOnlyCartPoleEasy"]
    assert play(names, NUMBA_DISABLE_JIT="1") == play(names)


def test_rules_keep_to_their_arrays_in_every_family(tmp_path):
    # Without this switch a compiled rule reads and writes beyond its arrays unnoticed.
    script = """
import numba, numpy as np, popgym.envs
@numba.njit
def beyond(a):
    return a[len(a)]
try:
    beyond(np.zeros(3))
except IndexError:
    pass
else:
    raise SystemExit("bounds are not checked")
for row in popgym.envs.table():
    if not row["name"].endswith("Medium"):
        continue  # the levels differ in sizes alone, and each takes seconds to compile
    for mode in ("NextStep", "SameStep"):
        env = popgym.envs.find(row["name"]).vector_class(4, autoreset_mode=mode)
        env.reset(seed=2)
        env.action_space.seed(2)
        for _ in range(2 * row["length"] + 10):
            env.step(env.action_space.sample())
"""
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    environment["NUMBA_OPT"] = "0"  # compiles faster, and checks the same bounds
    result = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_without_a_writable_folder_the_code_is_compiled_in_each_process(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)  # how numba tries a folder
    kernel.compiled_as.cache_clear()
    env = popgym.envs.RepeatPreviousEasy()
    env.reset(seed=0)
    assert env.step(0)[1] == 0.0
    assert type(env._batch._program()._cache).__name__ == "NullCache"
    kernel.compiled_as.cache_clear()


def test_threads_change_nothing():
    env_class = popgym.envs.find("RepeatPreviousEasy").vector_class
    one, many = env_class(33), env_class(33, threads=True)
    np.testing.assert_array_equal(one.reset(seed=4)[0], many.reset(seed=4)[0])
    rng = np.random.default_rng(4)
    for _ in range(60):
        actions = rng.integers(0, 4, 33)
        for a, b in zip(one.step(actions)[:4], many.step(actions)[:4], strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("mode", [kernel.NEXT_STEP, kernel.SAME_STEP, kernel.DISABLED])
def test_an_environment_can_step_in_an_episode_with_a_legal_action(mode):
    low, high, actions = np.array([0]), np.array([3]), np.array([0, 3, 4, -1])
    playing = np.full(4, kernel.PLAYING)
    can = [kernel.can_step(playing, actions, i, low, high, mode) for i in range(4)]
    assert can == [True, True, False, False]
    over = np.full(4, kernel.OVER)
    assert kernel.can_step(over, actions, 0, low, high, mode) == (mode == kernel.NEXT_STEP)
    assert not kernel.can_step(np.full(4, kernel.NEW), actions, 0, low, high, mode)
