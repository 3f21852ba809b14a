"""Environments in processes of their own: a failure is one error, and no process is left."""

import multiprocessing
import os
import signal

import numpy as np
import pytest

from popgym.runs.environment import make_environments
from popgym.runs.errors import BrokenEnvironmentError, WorkerError
from tests.baselines.ppo.toys import Countdown, Guess


def here(index):
    """Whether this is the process of an environment."""
    return multiprocessing.current_process().name.endswith(f"-{index}")


class TwoArgumentsError(Exception):
    """An error that cannot be pickled and unpickled."""

    def __init__(self, what, code):
        super().__init__(f"{what}, code {code}")


class Failing(Countdown):
    """Does something in one of its methods in the process of environment 1."""

    def __init__(self, where="", what=None):
        self.where, self.what = where, what
        self.fail("__init__")

    def fail(self, where):
        if where == self.where and here(1):
            self.what()

    def reset(self, **kwargs):
        self.fail("reset")
        return super().reset(**kwargs)

    def step(self, action):
        self.fail("step")
        return super().step(action)

    def close(self):
        self.fail("close")


def die():
    os._exit(3)


def be_killed():
    os.kill(os.getpid(), signal.SIGKILL)


def leave():
    raise SystemExit(5)


def complain():
    raise OSError("no port is left")


def complain_oddly():
    raise TwoArgumentsError("the door is stuck", 7)


def hang():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pause()


FAILURES = [
    (die, "its process ended with exit code 3"),
    (be_killed, "its process was killed by SIGKILL, maybe because memory ran out"),
    (leave, "its process ended with exit code 5"),
    (complain, "OSError: no port is left"),
    (complain_oddly, "TwoArgumentsError: the door is stuck, code 7"),
]


def make(where, what):
    return make_environments(lambda: Failing(where, what), 3, vectorization="async")


def assert_over(capfd):
    """No process is left, and none has printed anything."""
    assert multiprocessing.active_children() == []
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("what", "message"), FAILURES)
def test_a_failure_while_playing_names_the_environment_and_ends_all(what, message, capfd):
    environments = make("step", what)
    environments.reset(seed=0)
    with pytest.raises(WorkerError, match=rf"^{message} \(environment 1 of 3\)$"):
        environments.step(np.zeros(3, np.int64))
    assert_over(capfd)
    environments.close()


@pytest.mark.parametrize(("what", "message"), [FAILURES[0], FAILURES[3]])
def test_a_failure_in_reset_names_the_environment_and_ends_all(what, message, capfd):
    environments = make("reset", what)
    with pytest.raises(WorkerError, match=rf"^{message} \(environment 1 of 3\)$"):
        environments.reset(seed=0)
    assert_over(capfd)


@pytest.mark.parametrize(("what", "message"), FAILURES)
def test_a_failure_in_a_constructor_names_the_environment_and_ends_all(what, message, capfd):
    expected = rf"cannot be made: {message} \(environment 1 of 3\)$"
    with pytest.raises(BrokenEnvironmentError, match=expected):
        make("__init__", what)
    assert_over(capfd)


@pytest.mark.parametrize("what", [die, complain])
def test_a_failure_in_close_ends_all_the_same(what, capfd):
    environments = make("close", what)
    environments.reset(seed=0)
    environments.close()
    assert_over(capfd)


def test_a_process_that_does_not_end_is_killed(monkeypatch, capfd):
    monkeypatch.setattr("popgym.runs.workers.GRACE", 0.2)
    environments = make("close", hang)
    environments.reset(seed=0)
    environments.close()
    assert_over(capfd)


def test_processes_play_as_one_after_another_does():
    played = {}
    for vectorization in ("sync", "async"):
        environments = make_environments(lambda: Guess(), 3, vectorization=vectorization)
        obs = [environments.reset(seed=4)[0]]
        for _ in range(20):
            o, rewards, *_, info = environments.step(np.array([0, 1, 2]))
            obs += [o, rewards, np.stack(info["final_obs"])]
        played[vectorization] = np.stack(obs)
        environments.close()
    np.testing.assert_array_equal(played["sync"], played["async"])
