"""The screen of a game in a terminal; it turns single keys into words for the game."""

from __future__ import annotations

from popgym.play.controls import COMMANDS, DOWN, LEFT, RIGHT, UP, Squares
from popgym.play.game import Game
from popgym.play.terminal import BACKSPACE, ENTER
from popgym.render.text import wrapped

MOVES = {LEFT: (0, -1), RIGHT: (0, 1), UP: (-1, 0), DOWN: (1, 0)}
OF_NUMBERS = set("0123456789+-., ")
MARKED, PLAIN = "\x1b[7m", "\x1b[27m"  # reverse video


class Screen:
    """Screen of a game: the text typed so far, and the position of the cursor on a board.

    Args:
        game: The game.
    """

    text: str = ""
    """Numbers that were typed but not entered."""

    def __init__(self, game: Game) -> None:
        self.game = game
        self.row, self.column = 0, 0

    def press(self, key: str) -> str | None:
        """Process a key.

        Returns:
            A word for the game, or None if the key does not complete one.
        """
        squares = isinstance(self.game.controls, Squares) and not self.game.over
        if key == BACKSPACE:
            self.text = self.text[:-1]
        elif key in COMMANDS or key in self.game.controls.keys:
            self.text = ""
            return key
        elif key == ENTER and self.text:
            word, self.text = self.text, ""
            return word
        elif squares and key in MOVES:
            self._move(*MOVES[key])
        elif squares and key in (ENTER, " ") and not self.text:
            return f"{self.row} {self.column}"
        elif key in OF_NUMBERS and not self.game.over:
            self.text += key
        elif key.isprintable():
            return key
        return None

    def _move(self, down: int, right: int) -> None:
        controls = self.game.controls
        assert isinstance(controls, Squares)
        row, column = self.row + down, self.column + right
        inside = row >= 0 and 0 <= column < controls.columns
        if inside and row * controls.columns + column < controls.count:
            self.row, self.column = row, column

    def show(self, columns: int | None = None) -> str:
        """Return the whole screen: the game, its message, and the text typed so far.

        Args:
            columns: The width of the terminal, to which messages are wrapped; None: no wrapping.
        """
        typed = f"> {self.text}" if self.text else ""
        game = self.game
        keys = game.message or game.controls.help() or f"type {game.controls.allowed()}"
        title, said = (wrapped(text, columns) for text in (f"{game.title()}   ? for help", keys))
        return "\n".join([title, "", self._marked(game.view()), typed, said])

    def _marked(self, view: str) -> str:
        """Return the picture with the cursor's square in reverse video."""
        board = self.game.controls.board
        if board is None or self.game.over:
            return view
        lines = view.split("\n")
        line, start = lines[self.row], board.left + board.stride * self.column
        line = line.ljust(start + board.width)
        end = start + board.width
        lines[self.row] = f"{line[:start]}{MARKED}{line[start:end]}{PLAIN}{line[end:]}"
        return "\n".join(lines)
