"""The loop of a game: single keys in a terminal, otherwise one line per action."""

from __future__ import annotations

import io
import sys
from typing import TextIO

from popgym.play.game import Game
from popgym.play.screen import Screen
from popgym.play.terminal import END, Terminal, can_read_keys
from popgym.render.text import columns_of, wrapped

INTERRUPTED = 130


def play(game: Game, source: TextIO | None = None, target: TextIO | None = None) -> int:
    """Play a game until the player quits, the input ends or the player presses Ctrl-C.

    Args:
        game: The game.
        source: The stream to read keys or lines from; None: standard input.
        target: The stream to write to; None: standard output.

    Returns:
        The exit status: 0, or 130 after Ctrl-C.
    """
    source, target = source or sys.stdin, target or sys.stdout
    for stream in (source, target):
        if isinstance(stream, io.TextIOWrapper):  # its encoding may lack the suits of cards
            stream.reconfigure(errors="replace")
    try:
        if can_read_keys(source, target):
            by_keys(game, source, target)
        else:
            by_lines(game, source, target)
        status = 0
    except KeyboardInterrupt:
        status = INTERRUPTED
    farewell = game.farewell()
    if farewell:
        print(wrapped(farewell, columns_of(target)), file=target)
    return status


def by_keys(game: Game, source: TextIO, target: TextIO) -> None:
    """Play with single keys in a terminal, and leave the last picture on the screen."""
    screen = Screen(game)
    try:
        with Terminal(source, target) as terminal:
            while not game.done:
                terminal.show(screen.show(columns_of(target)))
                key = terminal.read()
                if key == END:
                    break
                word = screen.press(key)
                if word is not None:
                    game.enter(word)
    finally:
        ending = [wrapped(game.ending, columns_of(target))] if game.ending else []
        print(game.title(), "", game.view(), *ending, sep="\n", file=target)


def by_lines(game: Game, source: TextIO, target: TextIO) -> None:
    """Play with lines of text, from a pipe or a terminal that cannot deliver single keys."""
    prompt = "> " if source.isatty() else ""
    help_text = wrapped(game.help(), columns_of(target))
    print(game.title(), help_text, "", game.view(), sep="\n", file=target)
    while not game.done:
        print(end=prompt, file=target, flush=True)
        line = source.readline()
        if not line:
            break
        seed, seen = game.seed, game.enter(line)
        title = f"{game.title()}\n" if game.seed != seed else ""
        message = wrapped(game.message, columns_of(target))
        parts = [part for part in (title, game.view() if seen else "", message) if part]
        if parts:
            print("\n" * seen + "\n".join(parts), file=target)
