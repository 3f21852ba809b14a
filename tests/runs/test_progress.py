import io

import pytest

from popgym.runs import progress
from popgym.runs.progress import progress_display, trend
from tests.runs.specimens import row


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("returns", "arrow"),
    [
        ([], " "),
        ([1.0, 2.0], " "),
        ([0.1 * i for i in range(10)], "↗"),
        ([-0.1 * i for i in range(10)], "↘"),
        ([0.5, 0.9, 0.5, 0.9, 0.5, 0.9, 0.5, 0.9, 0.5, 0.9], "→"),
        ([5.0 * i for i in range(20)] + [0.5] * 10, "→"),
    ],
)
def test_the_trend_is_that_of_the_recent_past_against_its_noise(returns, arrow):
    assert trend(returns) == arrow


def test_a_pipe_gets_plain_lines_with_steps_speed_return_and_time_left(monkeypatch):
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.0)
    stream = io.StringIO()
    with progress_display(1280, stream=stream) as display:
        display.update(row(1))
        display.update(row(2, return_mean=0.25))
    first, second = stream.getvalue().splitlines()
    assert first.startswith("128/1,280")
    assert "no episode yet" in first
    assert "steps/s" in second
    assert "return 0.250" in second
    assert second.endswith("left")
    assert "\x1b" not in first + second


def test_plain_lines_are_rare_but_the_last_is_always_shown():
    stream = io.StringIO()
    with progress_display(12800, stream=stream) as display:
        for iteration in range(1, 50):
            display.update(row(iteration))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[-1].startswith("6,272/12,800")


def test_the_speed_of_a_resumed_run_counts_only_its_own_steps(monkeypatch):
    clock = iter([0.0, 2.0, 2.0, 2.0, 2.0, 2.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    stream = io.StringIO()
    with progress_display(512, done=128, stream=stream) as display:
        display.update(row(2))
    assert "64 steps/s" in stream.getvalue()
    assert "0:04 left" in stream.getvalue()


def test_a_terminal_gets_a_live_line(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    with progress_display(1280, stream=stream) as display:
        display.update(row(5, return_mean=0.75))
    assert "return 0.750" in stream.getvalue()
    assert "50%" in stream.getvalue()


def test_the_display_ends_when_training_fails(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    display = progress_display(1280, stream=stream)
    with pytest.raises(RuntimeError), display:
        raise RuntimeError
    assert stream.getvalue().endswith(("\x1b[?25h", "\n"))  # the cursor is back
