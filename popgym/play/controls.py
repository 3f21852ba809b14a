"""Mapping of keys and typed words to actions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete

from popgym.core.actions import limits
from popgym.core.family import Family
from popgym.render.text import TextBoard

LEFT, RIGHT, UP, DOWN = "←", "→", "↑", "↓"
WAYS = {"left": (LEFT, "a"), "right": (RIGHT, "d"), "up": (UP, "w"), "down": (DOWN, "s")}
"""Names of actions that are directions, with the keys for each."""
COMMANDS = "?urq"
"""Keys that are not actions: help, undo (which is not supported), new episode, quit."""


class Controls(ABC):
    """Interface of the controls of one environment."""

    keys: dict[str, Any]
    """Single keys, with the action that each stands for."""
    board: TextBoard | None = None
    """The board, if actions are squares of a board."""

    def read(self, line: str) -> Any:
        """Return the action for a typed line.

        Raises:
            ValueError: If the line does not name an action; the message says what is allowed.
        """
        word = line.strip()
        if word in self.keys:
            return self.keys[word]
        try:
            return self.parse(word)
        except (ValueError, OverflowError):
            raise ValueError(
                f"{word!r} is not an action: type {self.allowed()} (? for help)"
            ) from None

    @abstractmethod
    def parse(self, word: str) -> Any:
        """Return the action for a name or numbers.

        Raises:
            ValueError: If there is no such action.
        """

    @abstractmethod
    def allowed(self) -> str:
        """Describe in a few words what may be typed."""

    @abstractmethod
    def describe(self, action: Any) -> str:
        """Describe an action in a word or two."""

    def help(self) -> str:
        """List all keys except digits in one line; empty if there are none."""
        names: dict[str, list[str]] = {}
        for key, action in self.keys.items():
            if not key.isdigit():
                names.setdefault(self.describe(action), []).append(key)
        return "   ".join(f"{' '.join(keys)} {name}" for name, keys in names.items())


class Choices(Controls):
    """Controls for a Discrete action space: the number or the name of an action.

    Args:
        space: The action space.
        names: The names of the actions, beginning with the first; may be empty.
    """

    def __init__(self, space: Discrete, names: tuple[str, ...] = ()) -> None:
        self.first, self.last = (int(limit) for limit in limits(space))
        self.names = dict(zip(names, range(self.first, self.last + 1), strict=False))
        digits = range(10) if self.first >= 0 and self.last < 10 else ()
        self.keys = {str(n): n for n in digits if self.first <= n <= self.last}
        self.keys.update(keys_for(self.names))

    def parse(self, word: str) -> int:
        """Return the action with this name or number."""
        action = self.names[word] if word in self.names else int(word)
        if not self.first <= action <= self.last:
            raise ValueError("out of bounds")
        return action

    def allowed(self) -> str:
        """List the names with their numbers, or the first and last number."""
        if self.names:
            return ", ".join(f"{n} {name}" for name, n in self.names.items())
        return f"a number from {self.first} to {self.last}"

    def describe(self, action: Any) -> str:
        """Return the name of an action, or its number if it has none."""
        return next((name for name, n in self.names.items() if n == action), str(action))


class Numbers(Controls):
    """Controls for a MultiDiscrete or Box action space: whole or real numbers.

    Args:
        space: The action space.
        names: For a single real number: the names of the lowest value, 0 and the highest value.
    """

    def __init__(self, space: Box | MultiDiscrete, names: tuple[str, ...] = ()) -> None:
        self.kind = float if isinstance(space, Box) else int
        self.low, self.high = limits(space)
        self.keys, self.names = {}, names
        if self.kind is float and self.low.size == 1 and np.isfinite(self.low).all():
            self.keys = {LEFT: self.low, DOWN: np.zeros_like(self.low), RIGHT: self.high}

    def parse(self, word: str) -> np.ndarray:
        """Return the typed numbers; there must be the right number of them, within the bounds."""
        numbers = [self.kind(part) for part in word.replace(",", " ").split()]
        action = np.array(numbers, self.low.dtype).reshape(self.low.shape)
        if not ((action >= self.low) & (action <= self.high)).all():
            raise ValueError("out of bounds")
        return action

    def allowed(self) -> str:
        """Describe the bounds of each number."""
        bounds = zip(self.low.flat, self.high.flat, strict=True)
        words = [f"from {low:g} to {high:g}" for low, high in bounds]
        if len(words) == 1:
            return f"a number {words[0]}"
        same = f"{len(words)} numbers, each {words[0]}"
        return same if len(set(words)) == 1 else f"{len(words)} numbers, {', '.join(words)}"

    def describe(self, action: Any) -> str:
        """Return the numbers of an action as text."""
        return " ".join(f"{n:+.2f}" if self.kind is float else f"{n}" for n in np.ravel(action))

    def help(self) -> str:
        """List the keys with their actions."""
        names = self.names or [""] * len(self.keys)
        keys = zip(self.keys.items(), names, strict=True)
        return "   ".join(f"{key} {self.describe(n)} {name}".rstrip() for (key, n), name in keys)


class Squares(Controls):
    """Controls for actions that are squares of a board.

    The player types a row and a column, counted from 0, or moves a cursor to the square.

    Args:
        space: The action space: (row, column), or a number that counts the squares row by row.
        board: Where the squares are in the text picture.
    """

    def __init__(self, space: Discrete | MultiDiscrete, board: TextBoard) -> None:
        self.keys, self.board, self.columns = {}, board, board.columns
        self.numbered = isinstance(space, Discrete)
        low, high = limits(space)
        self.count = int(np.prod(high - low + 1))
        self.rows = -(-self.count // self.columns)

    def parse(self, word: str) -> Any:
        """Return the square in this row and column; numbered squares can be given by number."""
        numbers = [int(part) for part in word.replace(",", " ").split()]
        if self.numbered and len(numbers) == 1:
            numbers = [numbers[0] // self.columns, numbers[0] % self.columns]
        row, column = numbers
        place = row * self.columns + column
        if not (row >= 0 and 0 <= column < self.columns and place < self.count):
            raise ValueError("outside the board")
        return place if self.numbered else np.array([row, column])

    def allowed(self) -> str:
        """Describe the ranges of rows and columns."""
        both = f"a row from 0 to {self.rows - 1} and a column from 0 to {self.columns - 1}"
        example = f"{both}, as in 1 2"
        return f"{example}, or a number from 0 to {self.count - 1}" if self.numbered else example

    def describe(self, action: Any) -> str:
        """Return the row and column of an action as text."""
        row, column = divmod(int(action), self.columns) if self.numbered else action
        return f"row {row} column {column}"

    def help(self) -> str:
        """Describe how to move the cursor."""
        return f"{LEFT} {UP} {DOWN} {RIGHT} move the cursor   Enter or space selects the square"


def controls_of(task: Family) -> Controls:
    """Build the controls for a task.

    Raises:
        TypeError: If the action space is not Discrete, MultiDiscrete or Box.
    """
    space, names = task.action_space, task.action_names
    if task.text_board and isinstance(space, (Discrete, MultiDiscrete)):
        return Squares(space, task.text_board)
    if isinstance(space, Discrete):
        return Choices(space, names)
    if isinstance(space, (Box, MultiDiscrete)):
        return Numbers(space, names)
    raise TypeError(f"the action space must be Discrete, MultiDiscrete or Box, got {space}")


def keys_for(names: dict[str, int]) -> dict[str, int]:
    """Return keys for named actions: arrows and w a s d for directions, else first letters.

    If first letters are ambiguous or are commands, there are no keys.
    """
    if names.keys() <= WAYS.keys():
        return {key: action for name, action in names.items() for key in WAYS[name]}
    keys = {name[0]: action for name, action in names.items()}
    distinct = len(keys) == len(names) and not keys.keys() & set(COMMANDS)
    return keys if distinct else {}
