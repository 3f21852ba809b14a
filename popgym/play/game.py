"""The game that a person plays: its text and its reactions, independent of any terminal."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from popgym.core.env import POPGymEnv
from popgym.play.controls import controls_of

AGAIN = "another episode? y or n"


class Game:
    """Episodes of one environment that a person plays by typing words.

    Args:
        env: The environment.
        seed: The seed of the first episode; it increases by one for each later episode. None
            chooses a random seed.
        reveal: Whether to show what is hidden from the player.
        references: Mean returns of reference players by name, to compare the score with.
        options: The options of the first reset, such as the hidden part of the initial state.

    Raises:
        ValueError: If the environment is not made of a popgym ``Family``, or the seed or an option
            is invalid.
    """

    message: str = ""
    """The reply to the last word."""
    ending: str = ""
    """Result of the episode; empty until it has ended."""
    done: bool = False
    """Whether the player has quit."""

    def __init__(
        self,
        env: POPGymEnv,
        seed: int | None = None,
        reveal: bool = False,
        references: Mapping[str, float] | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        if not isinstance(env, POPGymEnv) or not hasattr(env, "family"):
            raise ValueError(f"only environments made of a popgym Family can be played, got {env}")
        self.env, self.reveal, self.references = env, reveal, dict(references or {})
        self.controls = controls_of(env.family)
        self.finished: list[float] = []
        """The scores of the finished episodes."""
        self.seed = secrets.randbelow(10**6) if seed is None else seed  # short enough to type again
        self._begin(options)

    def _begin(self, options: dict[str, Any] | None = None) -> None:
        self.env.reset(seed=self.seed, options=options)
        self.score, self.steps, self.over = 0.0, 0, False
        self._last = self.ending = ""

    def enter(self, word: str) -> bool:
        """Process a word: a command, an action, or the answer to a question.

        Returns:
            Whether the picture has changed; if not, ``message`` says why.
        """
        word, self.message = word.strip(), ""
        if word == "q" or (self.over and word == "n"):
            self.done = True
        elif word == "?":
            self.message = self.help()
        elif word == "r" or (self.over and word == "y"):
            self.seed += 1
            self._begin()
            return True
        elif self.over:
            self.message = AGAIN
        elif word == "u":
            self.message = "there is no undo: every action is final"
        else:
            return self._act(word)
        return False

    def _act(self, word: str) -> bool:
        try:
            action = self.controls.read(word)
        except ValueError as error:
            self.message = str(error)
            return False
        _, reward, terminated, truncated, _ = self.env.step(action)
        self.score += reward
        self.steps += 1
        self._last = f"   {self.controls.describe(action)}: reward {reward:+.3f}"
        self.over = terminated or truncated
        if self.over:
            self.finished.append(self.score)
            self.ending = self._comparison()
            self.message = f"{self.ending}\n{AGAIN}"
        return True

    def _comparison(self) -> str:
        lines = [f"the episode is over: score {self.score:+.3f} after {self.steps} steps"]
        if self.references:
            others = ", ".join(f"{who} {mean:+.3f}" for who, mean in self.references.items())
            lines.append(f"average scores of others: {others}")
        return "\n".join(lines)

    def title(self) -> str:
        """Return the environment's name and the seed that reproduces this episode."""
        return f"{type(self.env).__name__}   seed {self.seed}"

    def help(self) -> str:
        """Return the description of the task and the list of keys."""
        what = [self.env.family.description(), f"type {self.controls.allowed()}"]
        commands = "? help   r new episode   q quit   (there is no undo)"
        return "\n".join(line for line in (*what, self.controls.help(), commands) if line)

    def view(self) -> str:
        """Return the text picture with the last action, its reward and the score."""
        return f"{self.env.draw(self.reveal)}\n\nscore {self.score:+.3f}{self._last}"

    def farewell(self) -> str:
        """Return the score of an unfinished episode and the mean score of the finished ones."""
        lines = []
        if self.steps and not self.over:
            lines.append(f"score so far {self.score:+.3f} after {self.steps} steps")
        if len(self.finished) > 1:
            mean = sum(self.finished) / len(self.finished)
            lines.append(f"mean score of {len(self.finished)} episodes {mean:+.3f}")
        return "\n".join(lines)
