"""The terminal, tried at a pseudo-terminal."""

import contextlib
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

from popgym.play.terminal import END, Terminal, can_read_keys, first_key

# A little shell: runs the command in the foreground, waits for Enter when it is stopped.
SHELL = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    from popgym.cli import main
    sys.exit(main(sys.argv[1:]))
status = os.waitpid(child, os.WUNTRACED)[1]
while os.WIFSTOPPED(status):
    os.tcsetpgrp(0, os.getpgrp())
    print("stopped", flush=True)
    sys.stdin.readline()
    os.tcsetpgrp(0, child)
    os.kill(child, signal.SIGCONT)
    status = os.waitpid(child, os.WUNTRACED)[1]
os.tcsetpgrp(0, os.getpgrp())
sys.exit(os.waitstatus_to_exitcode(status))
"""
SHOWN, LEFT = "\x1b[?1049h", "\x1b[?1049l"


class Person:
    """Somebody at a pseudo-terminal, at which a command runs."""

    def __init__(self, *argv, columns=0):
        self.hand, self.terminal = os.openpty()
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.before = termios.tcgetattr(self.terminal)
        self.seen = ""
        self.shell = subprocess.Popen(
            [sys.executable, "-c", SHELL, *argv],
            stdin=self.terminal,
            stdout=self.terminal,
            stderr=self.terminal,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm"},
        )

    def type(self, keys):
        os.write(self.hand, keys.encode())

    def wait_for(self, text):
        """Reads on until a text comes; forgets what was before it."""
        end = time.monotonic() + 60
        while text not in self.seen:
            assert time.monotonic() < end, f"{text!r} did not come: {self.seen!r}"
            if select.select([self.hand], [], [], 1)[0]:
                self.seen += os.read(self.hand, 65536).decode(errors="replace")
        self.seen = self.seen.partition(text)[2]

    def settings(self):
        return termios.tcgetattr(self.terminal)

    def status(self):
        return self.shell.wait(60)

    def close(self):
        if self.shell.poll() is None:
            self.shell.kill()
            self.shell.wait()
        for end in (self.hand, self.terminal):
            os.close(end)


@pytest.fixture
def sits_down():
    with contextlib.ExitStack() as leaving:

        def _sits_down(*argv, **terminal):
            person = Person(*argv, **terminal)
            leaving.callback(person.close)
            return person

        yield _sits_down


def is_raw(settings):
    return not settings[3] & (termios.ICANON | termios.ECHO)


def test_a_game_is_played_by_single_keys_and_the_terminal_is_as_before(sits_down):
    person = sits_down("play", "MineSweeperEasy", "--seed", "4")
    person.wait_for(SHOWN)
    person.wait_for("step 0 of 14")
    assert is_raw(person.settings())
    person.type("\x1b[C\x1b[B\n")  # right, down, Enter
    person.wait_for("row 1, column 1")
    person.type("x")
    person.wait_for("'x' is not an action")
    person.type("q")
    person.wait_for(LEFT)
    person.wait_for("score so far +0.071 after 1 steps")
    assert person.status() == 0
    assert person.settings() == person.before


def test_help_is_broken_between_words_where_the_terminal_ends(sits_down):
    person = sits_down("play", "RepeatPreviousEasy", "--seed", "3", columns=50)
    person.wait_for("card 1 of 52")
    person.type("?")
    person.wait_for("type 0 spades, 1 diamonds, 2 clubs, 3 hearts")
    person.type("x")
    person.wait_for("'x' is not an action: type 0 spades, 1 diamonds, 2\x1b[K\r\nclubs, 3 hearts")
    person.type("q")
    assert person.status() == 0


@pytest.mark.parametrize(("keys", "status"), [("\x03", 130), ("\x04", 0)])
def test_ctrl_c_and_ctrl_d_end_with_the_score_so_far(sits_down, keys, status):
    person = sits_down("play", "RepeatPreviousEasy", "--seed", "3")
    person.wait_for("card 1 of 52")
    person.type("s")
    person.wait_for("card 2 of 52")
    person.type(keys)
    person.wait_for(LEFT)
    person.wait_for("score so far +0.000 after 1 steps")
    assert person.status() == status
    assert person.settings() == person.before


def test_what_an_episode_came_to_stays_on_the_screen(sits_down):
    person = sits_down("play", "PositionOnlyCartPoleEasy", "--set", "env.max_episode_length=2")
    person.wait_for("step 0")
    person.type("\x1b[D")
    person.wait_for("score +0.500")
    person.type("d")
    person.wait_for("another episode? y or n")
    person.type("n")
    person.wait_for(LEFT)
    person.wait_for("the episode is over: score +1.000 after 2 steps")
    assert person.status() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_game_that_is_ended_from_outside_leaves_the_terminal_as_before(sits_down, number):
    person = sits_down("play", "RepeatPreviousEasy")
    person.wait_for("card 1 of 52")
    child = os.tcgetpgrp(person.hand)
    os.kill(child, number)
    person.wait_for(LEFT)
    assert person.status() == 128 + number
    assert person.settings() == person.before


def test_ctrl_z_gives_the_terminal_back_and_going_on_takes_it_again(sits_down):
    person = sits_down("play", "RepeatPreviousEasy")
    person.wait_for("card 1 of 52")
    person.type("s")
    person.wait_for("card 2 of 52")
    person.type("\x1a")
    person.wait_for(LEFT)
    person.wait_for("stopped")
    assert person.settings() == person.before
    person.type("\n")
    person.wait_for(SHOWN)
    person.wait_for("card 2 of 52")
    assert is_raw(person.settings())
    person.type("d")
    person.wait_for("card 3 of 52")
    person.type("q")
    person.wait_for("score so far")
    assert person.status() == 0
    assert person.settings() == person.before


@pytest.fixture
def ends():
    """A pseudo-terminal: the hand that types, and the two files that a program has of it."""
    hand, terminal = os.openpty()
    with open(terminal, closefd=False) as source, open(terminal, "w", closefd=False) as screen:
        yield hand, source, screen
    os.close(hand)
    os.close(terminal)


def test_an_exception_leaves_the_terminal_and_the_signals_as_before(ends):
    _, source, screen = ends
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP)
    before = termios.tcgetattr(source), [signal.getsignal(n) for n in numbers]
    with pytest.raises(RuntimeError, match="broken"), Terminal(source, screen):
        assert is_raw(termios.tcgetattr(source))
        raise RuntimeError("broken")
    assert (termios.tcgetattr(source), [signal.getsignal(n) for n in numbers]) == before


def test_ctrl_c_while_the_screen_is_set_up_leaves_the_terminal_as_before(ends, monkeypatch):
    _, source, screen = ends
    before = termios.tcgetattr(source)
    write = Terminal._write

    def interrupted(self, text):
        monkeypatch.setattr(Terminal, "_write", write)
        raise KeyboardInterrupt

    monkeypatch.setattr(Terminal, "_write", interrupted)
    with pytest.raises(KeyboardInterrupt), Terminal(source, screen):
        pass
    assert termios.tcgetattr(source) == before


def test_keys_come_one_by_one_however_they_are_sent(ends):
    hand, source, screen = ends
    with Terminal(source, screen) as terminal:
        os.write(hand, "a\x1b[Aé\x1bOB\r\x7f\x1b[5~z".encode())
        assert [terminal.read() for _ in range(7)] == ["a", "↑", "é", "↓", "\n", "\b", "z"]
        os.write(hand, b"\x1b")
        os.write(hand, b"[")
        os.write(hand, b"C")
        assert terminal.read() == "→"
        os.write(hand, b"\x04")
        assert terminal.read() == END


def test_a_terminal_that_is_gone_is_the_end():
    hand, terminal = os.openpty()
    with (
        open(terminal, closefd=False) as source,
        open(terminal, "w", closefd=False) as screen,
        Terminal(source, screen) as keys,
    ):
        os.close(hand)
        assert keys.read() == END
    os.close(terminal)


def test_an_escape_by_itself_is_no_key():
    assert first_key("\x1b") == (None, "\x1b")  # there may come more
    assert first_key("\x1bq") == ("q", "")


def test_single_keys_need_two_terminals_that_can_move_the_cursor(ends, monkeypatch, tmp_path):
    _, source, screen = ends
    monkeypatch.setenv("TERM", "xterm")
    assert can_read_keys(source, screen)
    with open(tmp_path / "out", "w") as file:
        assert not can_read_keys(source, file)
    monkeypatch.setenv("TERM", "dumb")
    assert not can_read_keys(source, screen)
    monkeypatch.setattr("popgym.play.terminal.termios", None)  # as on Windows
    monkeypatch.setenv("TERM", "xterm")
    assert not can_read_keys(source, screen)
