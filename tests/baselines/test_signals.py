"""How a run ends when Ctrl-C, SIGTERM or SIGHUP comes."""

import os
import signal

import pytest

import popgym
from popgym.baselines.ppo.acting import Actor
from popgym.runs import patience
from popgym.runs.errors import BrokenEnvironmentError
from popgym.runs.folder import RunFolder
from popgym.runs.interrupts import Terminated
from tests.runs.specimens import OWN, SMALL, TOYS

STEPS = 128  # of an iteration


@pytest.fixture(autouse=True)
def _signals_end_the_process():
    numbers = signal.SIGTERM, signal.SIGHUP
    before = [signal.signal(number, signal.SIG_DFL) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def train(env, out, **settings):
    return popgym.train(env, "gru", out=out, progress=False, **{**SMALL, **settings})


def send(number, iteration):
    """A function for ``until`` that sends a signal after an iteration."""

    def after(row):
        if row["iteration"] == iteration:
            os.kill(os.getpid(), number)
        return False

    return after


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_saves_and_ends_the_process(tmp_path, number, status):
    with pytest.raises(Terminated) as end:
        train(f"{TOYS}:Guess", tmp_path / "r", steps=9 * STEPS, until=send(number, 2))
    assert end.value.code == status
    assert end.value.message.endswith(f"; resume with: popgym train --resume {tmp_path / 'r'}")
    run = RunFolder.open(tmp_path / "r")
    assert run.latest_checkpoint()[0] == len(run.rows()) == 2
    assert (run.path / "curve.png").exists()


def test_ctrl_c_is_answered_at_once(tmp_path, capsys):
    answers = []

    def interrupt(row):
        os.kill(os.getpid(), signal.SIGINT)
        answers.append(capsys.readouterr().err)
        return False

    assert train(f"{TOYS}:Guess", tmp_path / "r", steps=9 * STEPS, until=interrupt).interrupted
    assert answers == [
        "popgym: finishing this iteration, then saving; press Ctrl-C again to stop at once\n"
    ]


@pytest.fixture
def interrupt_evaluation(monkeypatch):
    """Sends a signal when an evaluation begins."""

    def install(number, evaluation):
        def play_episodes(self, *args):
            begun.append(self)
            if len(begun) == evaluation:
                os.kill(os.getpid(), number)
            return original(self, *args)

        begun, original = [], Actor.play_episodes
        monkeypatch.setattr(Actor, "play_episodes", play_episodes)

    return install


def test_a_signal_is_heard_in_an_evaluation_that_never_ends(tmp_path, interrupt_evaluation):
    interrupt_evaluation(signal.SIGTERM, 1)
    with pytest.raises(Terminated):
        train(f"{OWN}:EndlessAtMost", tmp_path / "r", steps=9 * STEPS, eval_every=1)
    run = RunFolder.open(tmp_path / "r")
    assert [row["eval_return"] for row in run.rows()] == [None]
    assert run.latest_checkpoint()[0] == 1


def test_an_evaluation_that_never_ends_is_a_warning_with_a_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(patience, "SECONDS", 0.0)
    message = "^0 of 64 episodes are done after .*limit all episodes .* env.max_episode_steps=N"
    with pytest.warns(UserWarning, match=message), pytest.raises(BrokenEnvironmentError):
        train(f"{OWN}:EndlessAtMost", tmp_path / "r", steps=9 * STEPS, eval_every=1)


def test_an_evaluation_that_was_broken_off_has_no_return(tmp_path, interrupt_evaluation):
    interrupt_evaluation(signal.SIGINT, 2)
    run = train(f"{TOYS}:Guess", tmp_path / "r", steps=9 * STEPS, eval_every=1)
    first, second = (row["eval_return"] for row in run.rows)
    assert first is not None
    assert second is None
