import io
import os

import pytest

from popgym.runs.output import Forgiving
from popgym.runs.progress import progress_display
from tests.runs.specimens import row


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


def broken_pipe():
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


def full():
    return open("/dev/full", "w")


@pytest.mark.parametrize("make", [lambda: None, closed, broken_pipe, full])
def test_a_dead_stream_loses_what_is_written_and_nothing_else(make):
    stream = Forgiving(make())
    for _ in range(3):
        print("text", file=stream, flush=True)
    assert not stream.isatty()
    with progress_display(1280, stream=stream) as display:
        display.update(row(1))


def test_a_living_stream_gets_everything():
    inside = io.StringIO()
    print("text", file=Forgiving(inside), flush=True)
    assert inside.getvalue() == "text\n"


def test_signs_that_the_encoding_lacks_are_replaced():
    inside = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    print("γ = .9 ↗", file=Forgiving(inside), flush=True)
    assert inside.buffer.getvalue() == b"? = .9 ?\n"
