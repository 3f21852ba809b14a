import os
import signal
import threading

import pytest

from popgym.runs.interrupts import Interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_and_the_second_raises(number):
    with Interrupts() as interrupts:
        assert not interrupts.came
        os.kill(os.getpid(), number)
        assert interrupts.came
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)


def test_afterwards_signals_mean_what_they_meant_before():
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(RuntimeError), Interrupts():
        raise RuntimeError
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


def test_outside_the_main_thread_nothing_is_caught():
    came = []

    def work():
        with Interrupts() as interrupts:
            came.append(interrupts.came)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert came == [False]
