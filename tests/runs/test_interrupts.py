import os
import signal
import subprocess
import sys
import threading

import pytest

from popgym.runs.interrupts import Interrupts, Terminated, children_survive_hangup

ENDING = [signal.SIGTERM, signal.SIGHUP]
ALL = [signal.SIGINT, *ENDING]


def send(number):
    os.kill(os.getpid(), number)


@pytest.fixture
def handler():
    """Installs a handler for SIGTERM and SIGHUP, which are a test's own."""
    before = [signal.getsignal(number) for number in ENDING]

    def install(handler):
        for number in ENDING:
            signal.signal(number, handler)

    yield install
    for number, old in zip(ENDING, before, strict=True):
        signal.signal(number, old)


@pytest.mark.parametrize("number", ALL)
def test_the_first_signal_is_noted_and_the_second_raises(number, handler):
    handler(lambda *_: None)
    with Interrupts() as interrupts:
        assert not interrupts.came
        send(number)
        assert interrupts.came == number
        with pytest.raises(KeyboardInterrupt):
            send(number)


@pytest.mark.parametrize("number", ALL)
def test_the_first_signal_is_answered_at_once(number, handler, capsys):
    handler(lambda *_: None)
    with Interrupts("finishing"):
        assert capsys.readouterr().err == ""
        send(number)
        assert capsys.readouterr().err == "popgym: finishing\n"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_after_the_block_the_process_ends_with_the_status_of_the_signal(number, status, handler):
    handler(signal.SIG_DFL)
    done = []
    with pytest.raises(Terminated) as end, Interrupts(advice="go on"):
        send(number)
        done.append("the rest of the block")
    assert done
    assert end.value.code == status
    assert end.value.message == f"ended by {number.name}; go on"


def test_a_second_signal_ends_the_process_without_the_advice(handler):
    handler(signal.SIG_DFL)
    with pytest.raises(Terminated) as end, Interrupts(advice="go on"):
        send(signal.SIGTERM)
        send(signal.SIGTERM)
    assert end.value.message == "ended by SIGTERM"


def test_ctrl_c_does_not_end_the_process(handler):
    with Interrupts() as interrupts:
        send(signal.SIGINT)
    assert interrupts.came == signal.SIGINT


def test_an_error_in_the_block_is_reported_as_it_is(handler):
    handler(signal.SIG_DFL)
    with pytest.raises(RuntimeError, match="mine"), Interrupts():
        send(signal.SIGTERM)
        raise RuntimeError("mine")


def test_a_handler_of_the_users_is_called_after_the_block(handler):
    heard = []
    handler(lambda number, _: heard.append(number))
    with Interrupts() as interrupts:
        send(signal.SIGTERM)
        assert heard == []
    assert heard == [signal.SIGTERM]
    assert interrupts.came


def test_a_signal_that_was_ignored_stays_ignored(handler):
    handler(signal.SIG_IGN)  # as nohup does
    with Interrupts() as interrupts:
        send(signal.SIGHUP)
        assert not interrupts.came


def test_a_process_that_is_started_for_a_run_survives_a_hangup():
    before = signal.getsignal(signal.SIGHUP)
    words = [sys.executable, "-c", "import os; os.kill(os.getpid(), 1); print('alive')"]
    with children_survive_hangup():
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout == "alive\n"
    assert signal.getsignal(signal.SIGHUP) == before
    assert subprocess.run(words, capture_output=True, check=False).returncode == -signal.SIGHUP


def test_afterwards_signals_mean_what_they_meant_before():
    before = [signal.getsignal(n) for n in ALL]
    with pytest.raises(RuntimeError), Interrupts():
        raise RuntimeError
    assert [signal.getsignal(n) for n in ALL] == before


def test_outside_the_main_thread_nothing_is_caught():
    came = []

    def work():
        with Interrupts() as interrupts:
            came.append(interrupts.came)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert came == [None]
